import { Eye, EyeOff, Pencil, Trash2, Undo2 } from "lucide-react";
import { type KeyboardEvent, useState } from "react";

import { Button } from "@/ui/Button";
import { classes } from "@/ui/classes";
import { TextArea } from "@/ui/fields";
import { IconButton } from "@/ui/IconButton";
import { tellError } from "@/ui/toasts";

import type { Row, RowState } from "./edits";

interface Props {
  row: Row;
  /** Null: hidden. */
  value: string | null;
  onReveal: () => void;
  onHide: () => void;
  /** Reads the value, so that it can be edited. */
  onRead: () => Promise<string>;
  onChange: (value: string) => void;
  onRemove: () => void;
  onUndo: () => void;
}

const MARKS: Record<Exclude<RowState, "same">, { word: string; className: string }> = {
  added: { word: "new", className: "bg-added-soft text-added" },
  changed: { word: "changed", className: "bg-waiting-soft text-waiting" },
  removed: { word: "removed", className: "bg-removed-soft text-removed" },
};

export function VariableRow({ row, value, onReveal, onHide, onRead, onChange, onRemove, onUndo }: Props) {
  const [draft, setDraft] = useState<string | null>(null);
  const mark = row.state === "same" ? null : MARKS[row.state];
  const isHideable = row.state === "same" && value !== null;

  if (draft !== null) {
    const keep = () => {
      if (draft !== value || row.state === "same") onChange(draft);
      setDraft(null);
    };
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key === "Escape") setDraft(null);
      if (event.key === "Enter" && !event.shiftKey) {
        event.preventDefault();
        keep();
      }
    };
    return (
      <li className="flex flex-col gap-2 bg-raised px-3 py-2.5">
        <span className="font-mono text-xs font-medium">{row.name}</span>
        <TextArea
          autoFocus
          aria-label={`Value of ${row.name}`}
          spellCheck={false}
          rows={Math.min(8, draft.split("\n").length)}
          value={draft}
          onChange={(event) => setDraft(event.target.value)}
          onKeyDown={onKeyDown}
          className="min-h-9 font-mono text-xs"
        />
        <span className="flex gap-2">
          <Button size="small" tone="primary" onClick={keep}>
            Keep
          </Button>
          <Button size="small" tone="quiet" onClick={() => setDraft(null)}>
            Cancel
          </Button>
        </span>
      </li>
    );
  }
  return (
    <li className="flex min-h-11 items-center gap-2 py-1 pr-1.5 pl-3">
      <div className="grid min-w-0 flex-1 items-center gap-x-4 sm:grid-cols-[minmax(0,2fr)_minmax(0,3fr)]">
        <span className="flex min-w-0 items-center gap-2">
          <span
            className={classes(
              "truncate font-mono text-xs font-medium",
              row.state === "removed" && "text-ink-3 line-through",
            )}
            title={row.name}
          >
            {row.name}
          </span>
          {mark && (
            <span className={classes("shrink-0 rounded-full px-1.5 text-xs", mark.className)}>
              {mark.word}
            </span>
          )}
        </span>
        {row.state !== "removed" &&
          (value === null ? (
            <span className="font-mono text-xs tracking-widest text-ink-3">
              <span aria-hidden>••••••••</span>
              <span className="sr-only">hidden</span>
            </span>
          ) : value === "" ? (
            <span className="text-xs text-ink-3">empty</span>
          ) : (
            <span className="max-h-24 overflow-y-auto font-mono text-xs break-all whitespace-pre-wrap text-ink-2 [font-variant-ligatures:none]">
              {value}
            </span>
          ))}
      </div>
      <span className="flex w-24 shrink-0 justify-end">
        {row.state === "same" && (
          <IconButton
            label={`${isHideable ? "Hide" : "Reveal"} ${row.name}`}
            onClick={isHideable ? onHide : onReveal}
          >
            {isHideable ? <EyeOff /> : <Eye />}
          </IconButton>
        )}
        {row.state !== "removed" && (
          <IconButton label={`Edit ${row.name}`} onClick={() => void onRead().then(setDraft, tellError)}>
            <Pencil />
          </IconButton>
        )}
        {row.state === "same" || row.state === "added" ? (
          <IconButton label={`Remove ${row.name}`} onClick={onRemove}>
            <Trash2 />
          </IconButton>
        ) : (
          <IconButton label={`Undo the change of ${row.name}`} onClick={onUndo}>
            <Undo2 />
          </IconButton>
        )}
      </span>
    </li>
  );
}
