/** Puts a line's colours and its changed words together. */
import type { Token } from "./highlight";
import type { Range } from "./words";

export interface Segment extends Token {
  isChanged: boolean;
}

/** Returns a line as pieces of one colour each, that have changed or have not. */
export function segmentsOf(text: string, tokens: readonly Token[], changed: readonly Range[]): Segment[] {
  const segments: Segment[] = [];
  let at = 0;
  for (const token of tokens.length > 0 ? tokens : [{ text, className: "" }]) {
    for (const [from, to, isChanged] of cut(at, at + token.text.length, changed)) {
      segments.push({ text: text.slice(from, to), className: token.className, isChanged });
    }
    at += token.text.length;
  }
  return segments;
}

/** Cuts a stretch where something changed begins or ends. */
function cut(from: number, to: number, changed: readonly Range[]): [number, number, boolean][] {
  const pieces: [number, number, boolean][] = [];
  let at = from;
  for (const [begin, end] of changed) {
    if (end <= at || begin >= to) continue;
    if (begin > at) pieces.push([at, begin, false]);
    const upTo = Math.min(end, to);
    pieces.push([Math.max(begin, at), upTo, true]);
    at = upTo;
  }
  if (at < to) pieces.push([at, to, false]);
  return pieces;
}
