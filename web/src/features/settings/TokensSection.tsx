import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { api, read } from "@/api/client";
import { Ago } from "@/features/project/Ago";
import { Problem, Section } from "@/features/project/Page";
import { Button } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { Input } from "@/ui/fields";
import { Failed, Loading } from "@/ui/states";

import { settingsKeys, tokensQuery } from "./queries";
import { ShownOnce } from "./ShownOnce";

/** Tokens for programs: made under a name, shown once, revoked. */
export function TokensSection() {
  const { data, error, refetch } = useQuery(tokensQuery);
  const [name, setName] = useState("");
  const [revoking, setRevoking] = useState<{ id: string; name: string } | null>(null);
  const client = useQueryClient();
  const onSettled = () => client.invalidateQueries({ queryKey: settingsKeys.tokens });
  const make = useMutation({
    mutationFn: () => read(api.POST("/api/tokens", { body: { name: name.trim() } })),
    onSuccess: () => setName(""),
    onSettled,
  });
  const revoke = useMutation({
    mutationFn: (token: string) => api.DELETE("/api/tokens/{token}", { params: { path: { token } } }),
    onSettled,
  });
  return (
    <Section title="API tokens" hint="For programs of yours, such as the command line on another machine.">
      <div className="flex flex-col gap-4">
        <form
          className="flex max-w-md gap-2"
          onSubmit={(event) => {
            event.preventDefault();
            if (name.trim() && !make.isPending) make.mutate();
          }}
        >
          <Input
            aria-label="What the token is for"
            placeholder="What it is for"
            maxLength={80}
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
          <Button type="submit" busy={make.isPending} disabled={name.trim() === ""}>
            Make a token
          </Button>
        </form>
        <Problem error={make.error ?? revoke.error} />
        {make.data && (
          <ShownOnce secret={make.data.token}>
            The token <span className="font-semibold">{make.data.name}</span>. Copy it now: it is not shown
            again.
          </ShownOnce>
        )}
        {error ? (
          <Failed error={error} onRetry={() => void refetch()} />
        ) : !data ? (
          <Loading />
        ) : data.length === 0 ? (
          <p className="text-ink-3">None yet.</p>
        ) : (
          <ul className="flex flex-col divide-y">
            {data.map((token) => (
              <li key={token.id} className="flex items-center gap-3 py-2 first:pt-0 last:pb-0">
                <div className="min-w-0 flex-1">
                  <p className="truncate font-medium">{token.name}</p>
                  <p className="text-ink-3">
                    made <Ago at={token.created_at} />,{" "}
                    {token.last_used_at ? (
                      <>
                        used <Ago at={token.last_used_at} />
                      </>
                    ) : (
                      "never used"
                    )}
                  </p>
                </div>
                <Button size="small" aria-label={`Revoke ${token.name}`} onClick={() => setRevoking(token)}>
                  Revoke
                </Button>
              </li>
            ))}
          </ul>
        )}
      </div>
      <ConfirmDialog
        open={revoking !== null}
        onOpenChange={() => setRevoking(null)}
        title={`Revoke ${revoking?.name ?? ""}?`}
        description="Programs that use it are refused from now on."
        confirm="Revoke"
        onConfirm={() => revoking && revoke.mutate(revoking.id)}
      />
    </Section>
  );
}
