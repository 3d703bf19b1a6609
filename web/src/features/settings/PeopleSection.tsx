import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { api, read } from "@/api/client";
import { Problem, Section } from "@/features/project/Page";
import { signInKey } from "@/features/sign_in/calls";
import { Button } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { instantOf } from "@/ui/format";
import { Failed, Loading } from "@/ui/states";

import type { ListedUser } from "./people";
import { settingsKeys, usersQuery } from "./queries";
import { RenameDialog } from "./RenameDialog";
import { ShownOnce } from "./ShownOnce";
import { UserList } from "./UserList";

/** Who may sign in: see, invite, rename, remove. */
export function PeopleSection() {
  const { data, error, refetch } = useQuery(usersQuery);
  const [renaming, setRenaming] = useState<ListedUser | null>(null);
  const [removing, setRemoving] = useState<ListedUser | null>(null);
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: (user: string) => api.DELETE("/api/users/{user}", { params: { path: { user } } }),
    onSettled: () => client.invalidateQueries({ queryKey: settingsKeys.users }),
  });
  const rename = useMutation({
    mutationFn: ({ user, name }: { user: string; name: string }) =>
      api.PATCH("/api/users/{user}", { params: { path: { user } }, body: { name } }),
    onSuccess: () => setRenaming(null),
    onSettled: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: settingsKeys.users }),
        client.invalidateQueries({ queryKey: signInKey }),
      ]),
  });
  return (
    <>
      <Section title="People" hint="Who may sign in. Everybody may do the same here; there are no roles.">
        {error ? (
          <Failed error={error} onRetry={() => void refetch()} />
        ) : !data ? (
          <Loading />
        ) : (
          <UserList
            users={data}
            onRename={(user) => {
              rename.reset();
              setRenaming(user);
            }}
            onRemove={setRemoving}
          />
        )}
        <Problem error={remove.error} />
      </Section>
      <InviteSection />
      <RenameDialog
        key={renaming?.id}
        user={renaming}
        error={rename.error}
        isBusy={rename.isPending}
        onClose={() => setRenaming(null)}
        onRename={(name) => renaming && rename.mutate({ user: renaming.id, name })}
      />
      <ConfirmDialog
        open={removing !== null}
        onOpenChange={() => setRemoving(null)}
        title={`Remove ${removing?.name ?? ""}?`}
        description={
          <>
            Their browsers, tokens and previews end at once, and with them all invitations that are still
            open. Projects, sessions and commits stay.
            {removing !== null &&
              removing.providers.length > 0 &&
              ` Take them off the list of those who may sign in by ${removing.providers.join(" and ")}, too, or they come back as a new user.`}
          </>
        }
        confirm="Remove"
        onConfirm={() => removing && remove.mutate(removing.id)}
      />
    </>
  );
}

function InviteSection() {
  const invite = useMutation({
    mutationFn: () => read(api.POST("/api/sign-in-links", { body: { is_new: true } })),
  });
  return (
    <Section
      title="Invite somebody"
      hint="By a link with which one person becomes a user, under a name and a password of their own."
    >
      <div className="flex flex-col items-start gap-4">
        <Button busy={invite.isPending} onClick={() => invite.mutate()}>
          {invite.data ? "Make another link" : "Make a link"}
        </Button>
        <Problem error={invite.error} />
        {invite.data && (
          <ShownOnce secret={invite.data.url}>
            Good once, until <time dateTime={invite.data.ends_at}>{instantOf(invite.data.ends_at)}</time>.
            Copy it now: it is not shown again.
          </ShownOnce>
        )}
      </div>
    </Section>
  );
}
