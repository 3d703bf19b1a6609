import { Button } from "@/ui/Button";

import { type Edits, type Meanwhile, rowsOf } from "./edits";

interface Props {
  changes: Meanwhile;
  edits: Edits;
  onKeep: () => void;
  onDiscard: () => void;
}

/** Somebody else has saved while changes were made here: says what, and that nothing here is lost. */
export function ConflictNotice({ changes, edits, onKeep, onDiscard }: Props) {
  const own = new Set(
    rowsOf([], edits)
      .map((row) => row.name)
      .concat(edits.unset),
  );
  const both = [...changes.changed, ...changes.added, ...changes.removed].filter((name) => own.has(name));
  return (
    <div role="alert" className="flex flex-col gap-2 rounded-lg border border-waiting bg-waiting-soft p-3">
      <p className="font-semibold">Somebody else saved other values meanwhile</p>
      <ul className="text-ink-2">
        <Names what="Added" names={changes.added} />
        <Names what="Changed" names={changes.changed} />
        <Names what="Removed" names={changes.removed} />
      </ul>
      {both.length > 0 && (
        <p>
          You changed <Code names={both} />, too: yours will count once you save.
        </p>
      )}
      <div className="flex flex-wrap gap-2">
        <Button size="small" tone="primary" onClick={onKeep}>
          Keep my changes
        </Button>
        <Button size="small" onClick={onDiscard}>
          Discard mine
        </Button>
      </div>
    </div>
  );
}

function Names({ what, names }: { what: string; names: readonly string[] }) {
  if (names.length === 0) return null;
  return (
    <li>
      {what}: <Code names={names} />
    </li>
  );
}

function Code({ names }: { names: readonly string[] }) {
  return <code className="font-mono text-xs text-ink">{names.join(", ")}</code>;
}
