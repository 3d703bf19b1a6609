/** How a hunk's lines stand beside or below each other, and which words of them have changed. */
import type { Hunk, Line } from "./hunks";
import { type Range, wordChanges } from "./words";

/** A line as it is shown: with the parts that differ from the line it took the place of, or that took its place. */
export interface ShownLine extends Line {
  changed: readonly Range[];
}

/** One row side by side; null: nothing stands there. */
export interface SplitRow {
  left: ShownLine | null;
  right: ShownLine | null;
}

/** Returns a hunk's lines one below the other, the removed of a change before the added. */
export function unifiedRows(hunk: Hunk): ShownLine[] {
  return blocksOf(hunk.lines).flatMap((block) => {
    if (block.same) return [shown(block.same)];
    const { removed, added } = withWords(block.removed, block.added);
    return [...removed, ...added];
  });
}

/** Returns a hunk's lines side by side: those of one change facing each other, in order. */
export function splitRows(hunk: Hunk): SplitRow[] {
  return blocksOf(hunk.lines).flatMap((block): SplitRow[] => {
    if (block.same) return [{ left: shown(block.same), right: shown(block.same) }];
    const { removed, added } = withWords(block.removed, block.added);
    return Array.from({ length: Math.max(removed.length, added.length) }, (_, place) => ({
      left: removed[place] ?? null,
      right: added[place] ?? null,
    }));
  });
}

interface Block {
  same: Line | null;
  removed: Line[];
  added: Line[];
}

/** A line that stayed is a block of its own; what changed between two such lines is one block. */
function blocksOf(lines: readonly Line[]): Block[] {
  const blocks: Block[] = [];
  for (const line of lines) {
    if (line.kind === "same") {
      blocks.push({ same: line, removed: [], added: [] });
      continue;
    }
    let block = blocks.at(-1);
    if (!block || block.same || (line.kind === "removed" && block.added.length > 0)) {
      block = { same: null, removed: [], added: [] };
      blocks.push(block);
    }
    block[line.kind].push(line);
  }
  return blocks;
}

function withWords(removed: readonly Line[], added: readonly Line[]) {
  const changes = removed.map((line, place) => {
    const other = added[place];
    return other ? wordChanges(line.text, other.text) : null;
  });
  return {
    removed: removed.map((line, place) => ({ ...line, changed: changes[place]?.removed ?? [] })),
    added: added.map((line, place) => ({ ...line, changed: changes[place]?.added ?? [] })),
  };
}

function shown(line: Line): ShownLine {
  return { ...line, changed: [] };
}
