import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { api, read } from "@/api/client";
import { Problem, Section } from "@/features/project/Page";
import { accountsKey, accountsQuery } from "@/features/project/queries";
import { Button } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { Field, Input } from "@/ui/fields";
import { Failed, Loading } from "@/ui/states";
import { tell } from "@/ui/toasts";

/** Who Lot is at git hosts: connect, list, remove. */
export function GitSection() {
  const { data, error, refetch } = useQuery(accountsQuery);
  const [removing, setRemoving] = useState<{ id: string; name: string } | null>(null);
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: (account: string) =>
      api.DELETE("/api/git-accounts/{account}", { params: { path: { account } } }),
    onSettled: () => client.invalidateQueries({ queryKey: accountsKey }),
  });
  return (
    <>
      <Section
        title="Git accounts"
        hint="Their repositories can be chosen for projects; pull requests are theirs."
      >
        {error ? (
          <Failed error={error} onRetry={() => void refetch()} />
        ) : !data ? (
          <Loading />
        ) : data.length === 0 ? (
          <p className="text-ink-3">None is connected. Repositories that need none work without.</p>
        ) : (
          <ul className="flex flex-col divide-y">
            {data.map((account) => (
              <li key={account.id} className="flex items-center gap-3 py-2 first:pt-0 last:pb-0">
                <div className="min-w-0 flex-1">
                  <p className="truncate font-medium">{account.name}</p>
                  <p className="text-pretty text-ink-3">
                    {account.login} at {account.url}, commits as {account.author_name} &lt;
                    {account.author_email}
                    &gt;
                    {account.projects.length > 0 && `; used by ${account.projects.join(", ")}`}
                  </p>
                </div>
                <Button
                  size="small"
                  aria-label={`Remove ${account.name}`}
                  onClick={() => setRemoving(account)}
                >
                  Remove
                </Button>
              </li>
            ))}
          </ul>
        )}
        <Problem error={remove.error} />
      </Section>
      <ConnectSection />
      <ConfirmDialog
        open={removing !== null}
        onOpenChange={() => setRemoving(null)}
        title={`Remove ${removing?.name ?? ""}?`}
        description="Its secret is forgotten. Projects that use it must go first."
        confirm="Remove"
        onConfirm={() => removing && remove.mutate(removing.id)}
      />
    </>
  );
}

function ConnectSection() {
  const [token, setToken] = useState("");
  const [url, setUrl] = useState("");
  const [name, setName] = useState("");
  const client = useQueryClient();
  const connect = useMutation({
    mutationFn: () =>
      read(
        api.POST("/api/git-accounts", {
          body: {
            kind: "github",
            token: token.trim(),
            url: url.trim() || null,
            name: name.trim() || null,
          },
        }),
      ),
    onSuccess: (account) => {
      setToken("");
      setUrl("");
      setName("");
      tell(`${account.login} is connected.`);
      void client.invalidateQueries({ queryKey: accountsKey });
    },
  });
  return (
    <Section
      title="Connect GitHub"
      hint="With a token of yours that may read and write contents and pull requests."
    >
      <form
        className="flex max-w-md flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (token.trim() && !connect.isPending) connect.mutate();
        }}
      >
        <Field label="Token" hint="Stored encrypted. It never enters a sandbox, and nothing gives it back.">
          {(control) => (
            <Input
              {...control}
              type="password"
              autoComplete="off"
              value={token}
              onChange={(event) => setToken(event.target.value)}
            />
          )}
        </Field>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Name">
            {(control) => (
              <Input
                {...control}
                placeholder="The login"
                value={name}
                onChange={(event) => setName(event.target.value)}
              />
            )}
          </Field>
          <Field label="Server">
            {(control) => (
              <Input
                {...control}
                type="url"
                placeholder="https://github.com"
                value={url}
                onChange={(event) => setUrl(event.target.value)}
              />
            )}
          </Field>
        </div>
        <Problem error={connect.error} />
        <Button
          type="submit"
          tone="primary"
          className="self-start"
          busy={connect.isPending}
          disabled={token.trim() === ""}
        >
          Connect
        </Button>
      </form>
      <p className="mt-4 text-ink-3">
        An app's installation is connected on the command line:{" "}
        <code className="text-ink-2">lot account connect</code>.
      </p>
    </Section>
  );
}
