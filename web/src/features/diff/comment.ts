/** A comment on lines of a diff, as the agent is told of it. */
import type { Hunk, Line } from "./hunks";

export type Side = "old" | "new";

/** Which lines a comment is on; `from` is not after `to`. */
export interface Anchor {
  side: Side;
  from: number;
  to: number;
}

/** Quoted lines beyond this are counted, not quoted. */
const MOST_QUOTED = 12;

/** Returns an anchor with one more line: from where it began to there, if on the same side. */
export function extend(anchor: Anchor | null, side: Side, line: number): Anchor {
  if (anchor?.side !== side) return { side, from: line, to: line };
  return { side, from: Math.min(anchor.from, line), to: Math.max(anchor.to, line) };
}

/** Returns the lines of a file that an anchor is on, as far as its diff shows them. */
export function linesAt(hunks: readonly Hunk[], anchor: Anchor): Line[] {
  return hunks.flatMap((hunk) =>
    hunk.lines.filter((line) => {
      const number = line[anchor.side];
      return number !== null && number >= anchor.from && number <= anchor.to;
    }),
  );
}

/** "line 12", or "lines 12-14", said to be of the old file where they are gone. */
export function placeOf(anchor: Anchor): string {
  const lines = anchor.from === anchor.to ? `line ${anchor.from}` : `lines ${anchor.from}-${anchor.to}`;
  return anchor.side === "old" ? `${lines} before the change` : lines;
}

const SIGNS = { added: "+", removed: "-", same: " " } as const;

/** Returns the message: where, the lines themselves, and what is to be said of them. */
export function commentMessage(
  path: string,
  anchor: Anchor,
  lines: readonly Line[],
  comment: string,
): string {
  const quoted = lines.slice(0, MOST_QUOTED).map((line) => `${SIGNS[line.kind]}${line.text}`);
  if (lines.length > MOST_QUOTED) quoted.push(`… ${lines.length - MOST_QUOTED} more lines`);
  const fence = fenceFor(quoted);
  return `On \`${path}\`, ${placeOf(anchor)}:\n${fence}diff\n${quoted.join("\n")}\n${fence}\n${comment.trim()}`;
}

/** A fence longer than any within. */
function fenceFor(lines: readonly string[]): string {
  const longest = Math.max(2, ...lines.flatMap((line) => line.match(/`+/g) ?? []).map((run) => run.length));
  return "`".repeat(longest + 1);
}
