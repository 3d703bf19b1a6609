import { useState } from "react";

import { Problem } from "@/features/project/Page";
import { Button } from "@/ui/Button";
import { Field, Input } from "@/ui/fields";

import type { ConnectAccount } from "./git_accounts";
import { NameAndServer } from "./NameAndServer";

interface Props {
  connect: ConnectAccount;
}

/** Connects a user by a token of their own. */
export function GitTokenForm({ connect }: Props) {
  const [token, setToken] = useState("");
  const [url, setUrl] = useState("");
  const [name, setName] = useState("");
  return (
    <form
      className="flex max-w-md flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (token.trim() && !connect.isPending)
          connect.mutate({
            kind: "github",
            token: token.trim(),
            url: url.trim() || null,
            name: name.trim() || null,
          });
      }}
    >
      <Field
        label="Token"
        hint="One that may read and write contents and pull requests. Stored encrypted. It never enters a sandbox, and nothing gives it back."
      >
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
      <NameAndServer name={name} url={url} onName={setName} onUrl={setUrl} placeholder="The login" />
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
  );
}
