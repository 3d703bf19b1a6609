import { memo } from "react";

import { classes } from "@/ui/classes";

import type { Hunk } from "../items";

/** So many lines of an edit are shown in the conversation; the Diff panel has all. */
const SHOWN_LINES = 60;

/** The lines that an edit took away and put in. */
export const EditDiff = memo(function EditDiff({ hunks, label }: { hunks: readonly Hunk[]; label: string }) {
  const lines = hunks.flatMap((hunk, index) => (index === 0 ? hunk.lines : ["⋯", ...hunk.lines]));
  const left = lines.length - SHOWN_LINES;
  return (
    <div
      tabIndex={0}
      role="region"
      aria-label={label}
      className="max-h-80 overflow-auto rounded-lg border bg-surface font-mono text-xs leading-[1.15rem]"
    >
      <div className="w-max min-w-full py-1">
        {lines.slice(0, SHOWN_LINES).map((line, index) => (
          <div key={index} className={classes("px-3 whitespace-pre", classOf(line))}>
            {line === "" ? " " : line}
          </div>
        ))}
        {left > 0 && <div className="px-3 text-ink-3">… {left} more lines</div>}
      </div>
    </div>
  );
});

function classOf(line: string): string {
  switch (line[0]) {
    case "+":
      return "bg-added-soft text-added";
    case "-":
      return "bg-removed-soft text-removed";
    case "⋯":
      return "text-ink-3 bg-sunken";
    default:
      return "text-ink-2";
  }
}

/** How many lines an edit put in and took away. */
export function lineCounts(hunks: readonly Hunk[]): { added: number; removed: number } {
  const lines = hunks.flatMap((hunk) => hunk.lines);
  return {
    added: lines.filter((line) => line.startsWith("+")).length,
    removed: lines.filter((line) => line.startsWith("-")).length,
  };
}
