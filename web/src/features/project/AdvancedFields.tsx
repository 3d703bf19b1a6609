import { ChevronRight } from "lucide-react";

import { Field, Input } from "@/ui/fields";

import type { Draft, FieldName } from "./new_project";
import { ProcessRows } from "./ProcessRows";

interface Props {
  draft: Draft;
  onChange: (changes: Partial<Draft>) => void;
  faults: Partial<Record<FieldName, string>>;
}

/** What is found out from the repository's files unless it is said here. Opens by itself where something is wrong in it. */
export function AdvancedFields({ draft, onChange, faults }: Props) {
  const isWrong = faults.image ?? faults.commands ?? faults.port ?? faults.processes;
  return (
    <details className="group rounded-xl border bg-surface" {...(isWrong && { open: true })}>
      <summary className="flex cursor-pointer list-none items-center gap-2 rounded-xl px-4 py-3.5 md:px-5 [&::-webkit-details-marker]:hidden">
        <ChevronRight className="size-4 text-ink-3 transition-transform group-open:rotate-90" aria-hidden />
        <span className="text-base font-semibold">Commands, port and image</span>
        <span className="ml-auto text-ink-3 max-sm:hidden">Found from the files by default</span>
      </summary>
      <div className="grid gap-4 px-4 pb-5 md:px-5">
        <Field label="Setup command" hint="Runs once, before the snapshot is taken" error={faults.commands}>
          {(control) => (
            <Input
              {...control}
              className="font-mono"
              placeholder="Found from the files"
              spellCheck={false}
              value={draft.setupCommand}
              onChange={(event) => onChange({ setupCommand: event.target.value })}
            />
          )}
        </Field>
        <div className="grid gap-4 sm:grid-cols-[minmax(0,1fr)_9rem]">
          <Field label="Dev command" hint="Starts the app, in the snapshot and in every session">
            {(control) => (
              <Input
                {...control}
                className="font-mono"
                placeholder="Found from the files"
                spellCheck={false}
                value={draft.devCommand}
                onChange={(event) => onChange({ devCommand: event.target.value })}
              />
            )}
          </Field>
          <Field label="Port" error={faults.port}>
            {(control) => (
              <Input
                {...control}
                inputMode="numeric"
                placeholder="Found"
                value={draft.port}
                onChange={(event) => onChange({ port: event.target.value.trim() })}
              />
            )}
          </Field>
        </div>
        <ProcessRows
          rows={draft.processes}
          onChange={(processes) => onChange({ processes })}
          fault={faults.processes}
        />
        <Field
          label="Image"
          hint="A registry's image, a Dockerfile or a dev container of the repository, or an archive on the server"
          error={faults.image}
        >
          {(control) => (
            <Input
              {...control}
              className="font-mono"
              placeholder="Debian with Python and Node.js"
              spellCheck={false}
              value={draft.image}
              onChange={(event) => onChange({ image: event.target.value })}
            />
          )}
        </Field>
      </div>
    </details>
  );
}
