/** Finding words in a log. */
import type { LogLine } from "./log_lines";

export interface Match {
  /** Place of its line. */
  line: number;
  from: number;
  to: number;
}

/** Beyond so many, matches are not counted on: nobody goes through them. */
export const MOST_MATCHES = 5_000;

/** Returns where words are, in any case of letters, from the oldest line on. */
export function findMatches(lines: readonly LogLine[], words: string): Match[] {
  const wanted = words.toLowerCase();
  if (wanted === "") return [];
  const matches: Match[] = [];
  for (const [line, { text }] of lines.entries()) {
    const lower = text.toLowerCase();
    for (let from = lower.indexOf(wanted); from >= 0; from = lower.indexOf(wanted, from + wanted.length)) {
      matches.push({ line, from, to: from + wanted.length });
      if (matches.length === MOST_MATCHES) return matches;
    }
  }
  return matches;
}

/** Returns the place of the next match in a direction, around the ends. */
export function stepTo(place: number, step: 1 | -1, count: number): number {
  return count === 0 ? 0 : (place + step + count) % count;
}
