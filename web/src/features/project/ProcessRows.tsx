import { Plus, X } from "lucide-react";

import { Button } from "@/ui/Button";
import { Input } from "@/ui/fields";
import { IconButton } from "@/ui/IconButton";

import type { ProcessRow } from "./processes";

interface Props {
  rows: readonly ProcessRow[];
  onChange: (rows: readonly ProcessRow[]) => void;
  fault?: string | undefined;
}

/** What runs beside the dev server: a name and a command each. */
export function ProcessRows({ rows, onChange, fault }: Props) {
  const change = (at: number, changes: Partial<ProcessRow>) =>
    onChange(rows.map((row, index) => (index === at ? { ...row, ...changes } : row)));
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="mb-1.5 font-medium">Further processes</legend>
      {rows.map((row, index) => (
        <div key={index} className="flex gap-2">
          <Input
            aria-label={`Name of process ${index + 1}`}
            placeholder="worker"
            className="w-28 shrink-0 font-mono"
            value={row.name}
            onChange={(event) => change(index, { name: event.target.value })}
          />
          <Input
            aria-label={`Command of process ${index + 1}`}
            placeholder="npm run worker"
            className="min-w-0 flex-1 font-mono"
            value={row.command}
            onChange={(event) => change(index, { command: event.target.value })}
          />
          <IconButton
            label={`Remove process ${index + 1}`}
            className="mt-0.5"
            onClick={() => onChange(rows.filter((_, at) => at !== index))}
          >
            <X />
          </IconButton>
        </div>
      ))}
      {fault && (
        <p role="alert" className="text-errored">
          {fault}
        </p>
      )}
      <Button
        size="small"
        className="self-start"
        onClick={() => onChange([...rows, { name: "", command: "" }])}
      >
        <Plus aria-hidden />
        Add a process
      </Button>
    </fieldset>
  );
}
