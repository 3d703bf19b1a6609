import { useMutation } from "@tanstack/react-query";
import { type SubmitEvent, useId, useState } from "react";

import { api, read } from "@/api/client";
import { Problem } from "@/features/project/Page";
import { Button } from "@/ui/Button";
import { Field, Input, Select, TextArea } from "@/ui/fields";
import { tellError } from "@/ui/toasts";

import { type ConnectAccount, installationLabel, usableInstallations } from "./git_accounts";
import { NameAndServer } from "./NameAndServer";

interface Props {
  connect: ConnectAccount;
}

/** Connects an app's installation: first the app's own key, then one of the places where it is installed. */
export function GitAppForm({ connect }: Props) {
  const [appId, setAppId] = useState("");
  const [key, setKey] = useState("");
  const [url, setUrl] = useState("");
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState("");
  const fileId = useId();
  const app = { kind: "github", url: url.trim() || null, app_id: Number(appId), private_key: key };
  const find = useMutation({
    mutationFn: () => read(api.POST("/api/git-accounts/installations", { body: app })),
    onSuccess: (found) => setChosen(String(usableInstallations(found)[0]?.id ?? "")),
  });
  // What was found belongs to the app that was asked for.
  const change = (set: (value: string) => void) => (value: string) => {
    set(value);
    find.reset();
    connect.reset();
  };
  const readKey = (file: File | undefined) => file?.text().then(change(setKey), tellError);
  const canFind = /^[1-9]\d*$/.test(appId) && key.trim() !== "";
  const isFound = (find.data?.length ?? 0) > 0;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (find.isPending || connect.isPending) return;
    if (!isFound && canFind) find.mutate();
    if (isFound && chosen !== "")
      connect.mutate({ ...app, installation_id: Number(chosen), name: name.trim() || null });
  };
  return (
    <form className="flex max-w-md flex-col gap-4" onSubmit={submit}>
      <Field label="App id" hint="On the app's own page at GitHub, under General.">
        {(control) => (
          <Input
            {...control}
            inputMode="numeric"
            autoComplete="off"
            value={appId}
            onChange={(event) => change(setAppId)(event.target.value.trim())}
          />
        )}
      </Field>
      <Field
        label="Private key"
        hint="The .pem file that GitHub gave. Stored encrypted with the account; nothing gives it back."
      >
        {(control) => (
          <TextArea
            {...control}
            className="font-mono text-xs [-webkit-text-security:disc] placeholder:[-webkit-text-security:none]"
            placeholder="-----BEGIN RSA PRIVATE KEY-----"
            autoComplete="off"
            spellCheck={false}
            value={key}
            onChange={(event) => change(setKey)(event.target.value)}
          />
        )}
      </Field>
      <div className="-mt-2 flex flex-col gap-1.5">
        <label htmlFor={fileId} className="text-ink-3">
          Or choose the file
        </label>
        <input
          id={fileId}
          type="file"
          accept=".pem,.key,application/x-pem-file"
          className="max-w-full text-ink-2 file:mr-3 file:h-7 file:rounded-lg file:border file:border-line file:bg-raised file:px-2.5 file:font-medium file:text-ink"
          onChange={(event) => void readKey(event.target.files?.[0])}
        />
      </div>
      <NameAndServer
        name={name}
        url={url}
        onName={setName}
        onUrl={change(setUrl)}
        placeholder="The app's name"
      />
      {find.data && (
        <div role="status">
          {find.data.length === 0 ? (
            <p className="text-pretty text-ink-2">
              The app is installed nowhere. Install it from its page at GitHub, then ask again.
            </p>
          ) : (
            <Field label="Installation" hint="Only the repositories that it was granted can be chosen.">
              {(control) => (
                <Select {...control} value={chosen} onChange={(event) => setChosen(event.target.value)}>
                  {find.data.map((one) => (
                    <option key={one.id} value={one.id} disabled={one.is_suspended}>
                      {installationLabel(one)}
                    </option>
                  ))}
                </Select>
              )}
            </Field>
          )}
        </div>
      )}
      <Problem error={find.error ?? connect.error} />
      <Button
        type="submit"
        tone="primary"
        className="self-start"
        busy={isFound ? connect.isPending : find.isPending}
        disabled={isFound ? chosen === "" : !canFind}
      >
        {isFound ? "Connect" : "Find installations"}
      </Button>
    </form>
  );
}
