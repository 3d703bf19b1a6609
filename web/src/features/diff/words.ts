/** Which parts of a changed line are what has changed. */
import { diffWordsWithSpace } from "diff";

/** From and up to a character of a line. */
export type Range = readonly [from: number, to: number];

/** Longer lines, such as those of packed files, are not compared by words. */
const LONGEST = 1_000;
/** Lines that share less than this are two lines, not a changed one. */
const LEAST_SHARED = 0.25;

export interface WordChanges {
  removed: Range[];
  added: Range[];
}

/** Returns what was taken from the one line and put into the other; null where that would say nothing. */
export function wordChanges(before: string, after: string): WordChanges | null {
  if (before === after || before.length > LONGEST || after.length > LONGEST) return null;
  const changes: WordChanges = { removed: [], added: [] };
  let shared = 0;
  let left = 0;
  let right = 0;
  for (const part of diffWordsWithSpace(before, after)) {
    const size = part.value.length;
    if (part.removed) {
      push(changes.removed, left, left + size);
      left += size;
    } else if (part.added) {
      push(changes.added, right, right + size);
      right += size;
    } else {
      shared += part.value.trim().length;
      left += size;
      right += size;
    }
  }
  const longer = Math.max(before.trim().length, after.trim().length);
  return shared < LEAST_SHARED * longer ? null : changes;
}

function push(ranges: Range[], from: number, to: number): void {
  const last = ranges.at(-1);
  if (last?.[1] === from) ranges[ranges.length - 1] = [last[0], to];
  else ranges.push([from, to]);
}
