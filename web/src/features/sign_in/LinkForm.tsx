import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { ApiError } from "@/api/errors";
import type { UserBody } from "@/api/types";
import { Button } from "@/ui/Button";
import { Field, Input } from "@/ui/fields";
import { Failed, Loading } from "@/ui/states";

import { checkLink, enterByLink } from "./calls";
import { NewPassword } from "./NewPassword";
import { passwordFault } from "./passwords";
import { Refusal } from "./Refusal";
import { useWait } from "./waiting";

interface Props {
  link: string;
  onDone: () => void;
}

/** What a one-time link lets one do: become the first user, or come in again with a new password. */
export function LinkForm({ link, onDone }: Props) {
  const { data, error, refetch } = useQuery({
    queryKey: ["sign-in", "link", link],
    queryFn: () => checkLink(link),
    staleTime: Infinity,
  });
  if (error instanceof ApiError) return <SpentLink />;
  if (error) return <Failed error={error} onRetry={() => void refetch()} />;
  if (!data) return <Loading />;
  return <Entry link={link} user={data.user} onDone={onDone} />;
}

function SpentLink() {
  return (
    <div className="flex flex-col gap-3">
      <h2 className="text-base font-semibold">This link does not let anybody in</h2>
      <p className="text-pretty text-ink-2">
        It was used already, or is older than a day. On the machine that Lot runs on,{" "}
        <code className="text-ink">lot sign-in-link</code> prints a new one.
      </p>
      <a href="/sign-in" className="text-accent underline underline-offset-4">
        Sign in with a password
      </a>
    </div>
  );
}

function Entry({ link, user, onDone }: Props & { user: UserBody | null }) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [repeated, setRepeated] = useState("");
  const [wasTried, setWasTried] = useState(false);
  const enter = useMutation({
    mutationFn: () =>
      enterByLink(link, {
        ...(user === null && { name: name.trim() }),
        ...(password !== "" && { password }),
      }),
    onSuccess: onDone,
  });
  const wait = useWait(enter.error);
  const fault = passwordFault(password, repeated, { isOptional: user !== null });
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        setWasTried(true);
        if (fault === null && !enter.isPending && wait === 0) enter.mutate();
      }}
    >
      <div>
        <h2 className="text-base font-semibold">
          {user === null ? "Make yourself at home" : `Welcome back, ${user.name}`}
        </h2>
        <p className="mt-0.5 text-pretty text-ink-2">
          {user === null
            ? "Choose the name and the password that you will sign in with."
            : "Choose a new password, or leave it empty to keep the one you have."}
        </p>
      </div>
      {user === null ? (
        <Field label="Name">
          {(control) => (
            <Input
              {...control}
              autoFocus
              required
              maxLength={200}
              autoComplete="username"
              autoCapitalize="none"
              spellCheck={false}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
      ) : (
        <input type="hidden" autoComplete="username" value={user.name} />
      )}
      <NewPassword
        password={password}
        repeated={repeated}
        onPassword={setPassword}
        onRepeated={setRepeated}
        fault={wasTried ? fault : null}
      />
      <Refusal error={enter.error} wait={wait} />
      <Button type="submit" tone="primary" className="h-10" busy={enter.isPending} disabled={wait > 0}>
        {user === null ? "Create and sign in" : "Sign in"}
      </Button>
    </form>
  );
}
