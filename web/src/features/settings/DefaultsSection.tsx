import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";

import { api, read } from "@/api/client";
import { keys, providersQuery, settingsQuery } from "@/api/queries";
import type { ProviderBody, SettingsBody, SettingsChanges } from "@/api/types";
import { EFFORTS, MODES } from "@/features/conversation/agent_choices";
import { Problem, Section } from "@/features/project/Page";
import { SizeCards } from "@/features/project/SizeCards";
import { Button } from "@/ui/Button";
import { Field, Input, Select } from "@/ui/fields";
import { Failed, Loading } from "@/ui/states";
import { tell } from "@/ui/toasts";

import {
  changesOf,
  configuredWords,
  countdownFault,
  type DefaultName,
  type DefaultsForm,
  fieldOf,
  formOf,
  modelChoices,
} from "./defaults";

/** What new sessions and projects start from, for everybody on the server. */
export function DefaultsSection() {
  const { data, error, refetch } = useQuery(settingsQuery);
  const { data: providers } = useQuery(providersQuery);
  return (
    <Section
      title="Defaults"
      hint="What new sessions and projects start from, for everybody on this server. What is there already keeps what it has."
    >
      {data ? (
        <DefaultsView
          settings={data}
          providers={providers ?? []}
          staleness={error}
          onRead={() => void refetch()}
        />
      ) : error ? (
        <Failed error={error} onRetry={() => void refetch()} />
      ) : (
        <Loading />
      )}
    </Section>
  );
}

interface ViewProps {
  settings: SettingsBody;
  providers: readonly ProviderBody[];
  /** Why they could not be read anew. */
  staleness: Error | null;
  onRead: () => void;
}

/** Every default, with where it comes from; what is changed is saved together. */
export function DefaultsView({ settings, providers, staleness, onRead }: ViewProps) {
  const [edited, setEdited] = useState<Partial<DefaultsForm>>({});
  const form = { ...formOf(settings), ...edited };
  const changes = changesOf(settings, form);
  const isChanged = Object.keys(changes).length > 0;
  const fault = edited.idle_countdown_s === undefined ? null : countdownFault(form.idle_countdown_s);
  const client = useQueryClient();
  const save = useMutation({
    mutationFn: (wanted: SettingsChanges) => read(api.PATCH("/api/settings", { body: wanted })),
    onSuccess: (saved, wanted) => {
      client.setQueryData(keys.settings, saved);
      setEdited((before) => Object.fromEntries(Object.entries(before).filter(([name]) => !(name in wanted))));
      const isTakenBack = Object.values(wanted).every((value) => value === null);
      tell(isTakenBack ? "The server's configuration counts again." : "Saved, for what begins from now on.");
    },
  });
  const change = (name: DefaultName, value: string) => {
    save.reset();
    setEdited({ ...edited, [name]: value });
  };
  const refused = save.error === null ? null : fieldOf(save.error.message);
  const errorOf = (name: DefaultName) => (refused === name ? save.error?.message : undefined);
  const words = configuredWords(settings, providers);
  const origin = (name: DefaultName, label: string) => (
    <Origin
      isChosen={settings[name].origin === "chosen"}
      configured={words[name]}
      label={label}
      isBusy={save.isPending}
      onTakeBack={() => save.mutate({ [name]: null })}
    />
  );
  return (
    <form
      aria-label="Defaults"
      noValidate
      className="flex flex-col gap-6"
      onSubmit={(event) => {
        event.preventDefault();
        if (isChanged && fault === null && !save.isPending) save.mutate(changes);
      }}
    >
      {staleness && <Stale error={staleness} onRead={onRead} />}
      <Default origin={origin("model", "model")}>
        <Field label="Model" hint="Of new sessions" error={errorOf("model")}>
          {(control) => (
            <Select
              {...control}
              className="max-w-sm"
              value={form.model}
              onChange={(event) => change("model", event.target.value)}
            >
              {modelChoices(settings, providers).map((choice) => (
                <optgroup
                  key={choice.provider}
                  label={choice.isReady ? choice.provider : `${choice.provider} (cannot be asked now)`}
                >
                  {choice.models.map((model) => (
                    <option key={model.value} value={model.value}>
                      {model.name}
                    </option>
                  ))}
                </optgroup>
              ))}
            </Select>
          )}
        </Field>
      </Default>
      <Default origin={origin("effort", "effort")}>
        <Field label="Effort" hint="How hard the model thinks" error={errorOf("effort")}>
          {(control) => (
            <Select
              {...control}
              className="max-w-sm"
              value={form.effort}
              onChange={(event) => change("effort", event.target.value)}
            >
              {EFFORTS.map((effort) => (
                <option key={effort.value} value={effort.value}>
                  {effort.name}
                </option>
              ))}
            </Select>
          )}
        </Field>
      </Default>
      <Default origin={origin("mode", "mode")}>
        <Field
          label="Mode"
          hint={`${MODES.find((mode) => mode.value === form.mode)?.hint ?? ""}. Sessions that set a project up always work on their own.`}
          error={errorOf("mode")}
        >
          {(control) => (
            <Select
              {...control}
              className="max-w-sm"
              value={form.mode}
              onChange={(event) => change("mode", event.target.value)}
            >
              {MODES.map((mode) => (
                <option key={mode.value} value={mode.value}>
                  {mode.name}
                </option>
              ))}
            </Select>
          )}
        </Field>
      </Default>
      <Default origin={origin("size", "size")}>
        <p className="font-medium">Size</p>
        <div className="max-w-xl">
          <SizeCards value={form.size} onChoose={(size) => change("size", size)} />
        </div>
        {errorOf("size") ? (
          <p role="alert" className="text-errored">
            {errorOf("size")}
          </p>
        ) : (
          <p className="text-ink-3">Of each sandbox of a new project</p>
        )}
      </Default>
      <Default origin={origin("idle_countdown_s", "idle countdown")}>
        <Field
          label="Idle countdown, in minutes"
          hint="How long a session stays on once its agent is done, waits or failed. A countdown that runs goes on; the next of each session is this one."
          error={fault ?? errorOf("idle_countdown_s")}
        >
          {(control) => (
            <Input
              {...control}
              className="max-w-28"
              inputMode="decimal"
              autoComplete="off"
              value={form.idle_countdown_s}
              onChange={(event) => change("idle_countdown_s", event.target.value)}
            />
          )}
        </Field>
      </Default>
      <Problem error={refused === null ? save.error : null} />
      <div className="flex justify-end gap-2">
        {isChanged && (
          <Button
            onClick={() => {
              save.reset();
              setEdited({});
            }}
          >
            Discard
          </Button>
        )}
        <Button type="submit" tone="primary" busy={save.isPending} disabled={!isChanged || fault !== null}>
          Save
        </Button>
      </div>
    </form>
  );
}

function Default({ origin, children }: { origin: ReactNode; children: ReactNode }) {
  return (
    <div className="flex flex-col gap-1.5">
      {children}
      {origin}
    </div>
  );
}

interface OriginProps {
  isChosen: boolean;
  /** What the server's configuration says, in words. */
  configured: string;
  label: string;
  isBusy: boolean;
  onTakeBack: () => void;
}

/** Where a default comes from, and the way back to the configuration's. */
function Origin({ isChosen, configured, label, isBusy, onTakeBack }: OriginProps) {
  if (!isChosen) return <p className="text-ink-3">From the server&apos;s configuration.</p>;
  return (
    <div className="flex flex-wrap items-center gap-x-2 gap-y-1 text-ink-3">
      <p>
        Chosen here. The server&apos;s configuration says <span className="text-ink-2">{configured}</span>.
      </p>
      <Button
        size="small"
        aria-label={`Use that again: ${label} ${configured}`}
        disabled={isBusy}
        onClick={onTakeBack}
      >
        Use that again
      </Button>
    </div>
  );
}

function Stale({ error, onRead }: { error: Error; onRead: () => void }) {
  return (
    <div
      role="status"
      className="flex flex-wrap items-center gap-3 rounded-lg border border-waiting bg-waiting-soft px-3 py-2"
    >
      <p className="min-w-0 flex-1 basis-56 text-pretty">This may have changed meanwhile. {error.message}</p>
      <Button size="small" onClick={onRead}>
        Read again
      </Button>
    </div>
  );
}
