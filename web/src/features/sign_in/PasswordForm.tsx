import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { Button } from "@/ui/Button";
import { Field, Input } from "@/ui/fields";

import { signIn } from "./calls";
import { Refusal } from "./Refusal";
import { useWait } from "./waiting";

/** Name and password. */
export function PasswordForm({ onDone }: { onDone: () => void }) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const enter = useMutation({ mutationFn: () => signIn(name.trim(), password), onSuccess: onDone });
  const wait = useWait(enter.error);
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (!enter.isPending && wait === 0) enter.mutate();
      }}
    >
      <Field label="Name">
        {(control) => (
          <Input
            {...control}
            autoFocus
            required
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        )}
      </Field>
      <Field label="Password">
        {(control) => (
          <Input
            {...control}
            required
            type="password"
            autoComplete="current-password"
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        )}
      </Field>
      <Refusal error={enter.error} wait={wait} />
      <Button type="submit" tone="primary" className="h-10" busy={enter.isPending} disabled={wait > 0}>
        Sign in
      </Button>
      <p className="text-ink-3">
        Password forgotten? On the machine that Lot runs on,{" "}
        <code className="text-ink-2">lot sign-in-link</code> prints a link that lets you in once.
      </p>
    </form>
  );
}
