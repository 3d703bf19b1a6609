import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { api, read } from "@/api/client";
import { Problem, Section } from "@/features/project/Page";
import { accountsKey, accountsQuery } from "@/features/project/queries";
import { Button } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { Failed, Loading } from "@/ui/states";
import { Tabs } from "@/ui/Tabs";
import { tell } from "@/ui/toasts";

import type { NewGitAccount } from "./git_accounts";
import { GitAppForm } from "./GitAppForm";
import { GitTokenForm } from "./GitTokenForm";

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

const WAYS = [
  { value: "token", name: "Token" },
  { value: "app", name: "GitHub App" },
] as const;

function ConnectSection() {
  const [way, setWay] = useState<"token" | "app">("token");
  const [connected, setConnected] = useState(0);
  const client = useQueryClient();
  const connect = useMutation({
    mutationFn: (body: NewGitAccount) => read(api.POST("/api/git-accounts", { body })),
    onSuccess: (account) => {
      setConnected(connected + 1);
      tell(`${account.login} is connected.`);
      void client.invalidateQueries({ queryKey: accountsKey });
    },
  });
  const choose = (chosen: "token" | "app") => {
    connect.reset();
    setWay(chosen);
  };
  const Form = way === "app" ? GitAppForm : GitTokenForm;
  return (
    <Section title="Connect GitHub" hint="As yourself by a token, or as an app by its key.">
      <Tabs label="How Lot is known there" className="mb-4" value={way} onChange={choose} tabs={WAYS} />
      <Form key={connected} connect={connect} />
    </Section>
  );
}
