import { useQuery } from "@tanstack/react-query";
import { ClipboardPaste, Eye, EyeOff, KeyRound } from "lucide-react";
import { useState } from "react";

import type { EnvironmentBody, SessionBody } from "@/api/types";
import { isOn } from "@/features/session/label";
import type { PanelProps } from "@/features/session/panels";
import { Button } from "@/ui/Button";
import { useKept } from "@/ui/kept";
import { Failed, Loading } from "@/ui/states";
import { tell, tellError } from "@/ui/toasts";

import { ConflictNotice } from "./ConflictNotice";
import {
  countEdits,
  type Edits,
  hasEdits,
  meanwhile,
  NO_EDITS,
  remove,
  rowsOf,
  type Seen,
  seenOf,
  setValue,
  take,
  undo,
} from "./edits";
import { NewVariable } from "./NewVariable";
import { PasteDialog } from "./PasteDialog";
import { environmentQuery, readValues, useRestart, useSave } from "./queries";
import { RestartDialog } from "./RestartDialog";
import { VariableRow } from "./VariableRow";

/** The variables of the session's project, which all its sessions share. */
export default function EnvironmentPanel({ session }: PanelProps) {
  const { data, error, refetch } = useQuery(environmentQuery(session.project_id));
  if (error && !data) return <Failed error={error} onRetry={() => void refetch()} />;
  if (!data) return <Loading />;
  return <Editor session={session} environment={data} />;
}

function Editor({ session, environment }: { session: SessionBody; environment: EnvironmentBody }) {
  const project = session.project_id;
  const [edits, setEdits] = useKept<Edits>(`env-edits:${project}`, NO_EDITS);
  const [seen, setSeen] = useKept<Seen | null>(`env-seen:${project}`, null);
  const [values, setValues] = useState<{ version: number; all: Record<string, string> } | null>(null);
  const [shown, setShown] = useState<ReadonlySet<string>>(new Set());
  const [pasted, setPasted] = useState<string | null>(null);
  const [isAsking, setIsAsking] = useState(false);
  const save = useSave(project);

  const names = environment.variables.map((one) => one.name);
  const rows = rowsOf(names, edits);
  const isDirty = hasEdits(edits);
  const isOutdated = isDirty && seen !== null && seen.version !== environment.version;
  const known = values?.version === environment.version ? values.all : null;
  const areAllShown = known !== null && names.length > 0 && names.every((name) => shown.has(name));

  const edit = (change: (before: Edits) => Edits) => {
    if (!isDirty) setSeen(seenOf(environment));
    setEdits(change);
  };
  const reveal = async (): Promise<Record<string, string>> => {
    const all = known ?? (await readValues(project));
    setValues({ version: environment.version, all });
    return all;
  };
  const show = (wanted: readonly string[]) =>
    void reveal().then(() => setShown((before) => new Set([...before, ...wanted])), tellError);
  const hide = (name?: string) =>
    setShown((before) => (name ? new Set([...before].filter((one) => one !== name)) : new Set()));
  const discard = () => {
    setEdits(NO_EDITS);
    save.reset();
  };
  const onSave = () =>
    save.mutate(
      { edits, seen: seen?.version ?? environment.version, now: environment },
      {
        onSuccess: (body) => {
          setEdits(NO_EDITS);
          hide();
          if (body.sessions_to_restart.length > 0) setIsAsking(true);
          else tell("Saved");
        },
      },
    );

  return (
    <div className="flex h-full min-h-0 flex-col">
      <RestartNeeded session={session} />
      <div className="min-h-0 flex-1 overflow-y-auto">
        <div className="mx-auto flex max-w-3xl flex-col gap-3 p-4">
          <header className="flex flex-wrap items-start gap-2">
            <p className="min-w-48 flex-1 text-pretty text-ink-2">
              For all sessions of <strong className="font-semibold text-ink">{session.project_name}</strong>;
              written to <code className="font-mono text-xs">.env</code> when a dev server starts. Stored
              encrypted, never part of a diff.
            </p>
            <span className="flex gap-2">
              <Button size="small" onClick={() => setPasted("")}>
                <ClipboardPaste /> Paste .env
              </Button>
              {names.length > 0 && (
                <Button size="small" onClick={() => (areAllShown ? hide() : show(names))}>
                  {areAllShown ? <EyeOff /> : <Eye />} {areAllShown ? "Hide all" : "Reveal all"}
                </Button>
              )}
            </span>
          </header>
          {isOutdated && (
            <ConflictNotice
              changes={meanwhile(seen, environment)}
              edits={edits}
              onKeep={() => {
                setSeen(seenOf(environment));
                save.reset();
              }}
              onDiscard={discard}
            />
          )}
          {rows.length === 0 ? (
            <div className="flex flex-col items-center gap-2 rounded-lg border border-dashed p-8 text-center text-ink-2">
              <KeyRound className="size-6 text-ink-3" aria-hidden />
              No variables yet. Add one below, or paste a whole .env file.
            </div>
          ) : (
            <ul aria-label="Variables" className="divide-y overflow-hidden rounded-lg border bg-surface">
              {rows.map((row) => (
                <VariableRow
                  key={row.name}
                  row={row}
                  value={row.value ?? (shown.has(row.name) ? (known?.[row.name] ?? null) : null)}
                  onReveal={() => show([row.name])}
                  onHide={() => hide(row.name)}
                  onRead={async () => row.value ?? (await reveal())[row.name] ?? ""}
                  onChange={(value) => edit((before) => setValue(before, row.name, value))}
                  onRemove={() => edit((before) => remove(before, row.name, names.includes(row.name)))}
                  onUndo={() => edit((before) => undo(before, row.name))}
                />
              ))}
            </ul>
          )}
          <NewVariable
            taken={rows.map((row) => row.name)}
            onAdd={(name, value) => edit((before) => setValue(before, name, value))}
            onPaste={setPasted}
          />
        </div>
      </div>
      {isDirty && (
        <footer className="flex flex-wrap items-center gap-2 border-t bg-surface px-4 py-2.5">
          <p className="min-w-0 flex-1 text-ink-2" role="status">
            {save.error && !isOutdated ? (
              <span role="alert" className="text-errored">
                {save.error.message}
              </span>
            ) : (
              `${countEdits(edits)} unsaved ${countEdits(edits) === 1 ? "change" : "changes"}. Saving restarts nothing.`
            )}
          </p>
          <Button size="small" tone="quiet" onClick={discard}>
            Discard
          </Button>
          <Button size="small" tone="primary" busy={save.isPending} disabled={isOutdated} onClick={onSave}>
            Save
          </Button>
        </footer>
      )}
      {pasted !== null && (
        <PasteDialog
          text={pasted}
          readPresent={reveal}
          onTake={(variables, present) => {
            edit((before) => take(before, variables, present));
            setPasted(null);
          }}
          onClose={() => setPasted(null)}
        />
      )}
      {isAsking && (
        <RestartDialog
          session={session}
          sessionsToRestart={environment.sessions_to_restart}
          onClose={() => setIsAsking(false)}
        />
      )}
    </div>
  );
}

/** Stays until this session's dev server has the newest values. */
function RestartNeeded({ session }: { session: SessionBody }) {
  const restart = useRestart(session.id, session.project_id);
  if (!session.restart_needed) return null;
  const canRestart = isOn(session);
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b bg-waiting-soft px-4 py-2">
      <p className="min-w-0 flex-1 text-pretty" role="status">
        <strong className="font-semibold text-waiting">Restart needed.</strong>{" "}
        <span className="text-ink-2">
          This session's dev server still has the old values
          {canRestart ? "." : "; it can be restarted once the session is resumed."}
        </span>
        {restart.error && (
          <span role="alert" className="block text-errored">
            {restart.error.message}
          </span>
        )}
      </p>
      {canRestart && (
        <Button
          size="small"
          busy={restart.isPending}
          onClick={() =>
            restart.mutate(undefined, {
              onSuccess: () => tell("The dev server is starting with the new values"),
            })
          }
        >
          Restart now
        </Button>
      )}
    </div>
  );
}
