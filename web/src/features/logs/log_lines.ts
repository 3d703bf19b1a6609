/** Makes lines with colours of what a process prints, as it comes. */
import { shownOf, spansOf, type Span } from "@/ui/ansi";

export interface LogLine {
  /** Grows with each line; stays with it. */
  id: number;
  /** Without colours, for searching and copying. */
  text: string;
  spans: readonly Span[];
}

/** Older lines are let go. */
export const MOST_LINES = 20_000;
/** Longer lines are broken, as a program may never end one. */
const LONGEST_LINE = 20_000;
const MOST_EMPTY = 1;
// eslint-disable-next-line no-control-regex
const COLOURS = /\x1b\[([0-9;]*)m/g;
/** Characters of sequences that are carried on: a program that never ends its colours has ever more. */
const MOST_SEQUENCES = 200;

export class LogLines {
  private readonly whole: LogLine[] = [];
  private rest = "";
  private nextId = 1;
  private readonly decoder = new TextDecoder();
  /** The sequences that set the colours in which the last line ended, and the next begins. */
  private colours = "";

  append(bytes: Uint8Array): void {
    this.appendText(this.decoder.decode(bytes, { stream: true }));
  }

  appendText(text: string): void {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) this.push(line);
    while (this.rest.length > LONGEST_LINE) {
      this.push(this.rest.slice(0, LONGEST_LINE));
      this.rest = this.rest.slice(LONGEST_LINE);
    }
    if (this.whole.length > MOST_LINES) this.whole.splice(0, this.whole.length - MOST_LINES);
  }

  /** A line of Lot's own between those of the process. */
  note(text: string): void {
    if (this.rest !== "") this.push(this.rest);
    this.rest = "";
    this.whole.push({ id: this.nextId++, text: `── ${text} ──`, spans: [] });
  }

  clear(): void {
    this.whole.length = 0;
    this.rest = "";
  }

  /** All lines, the one that has not ended yet included. */
  lines(): LogLine[] {
    const last = shownOf(this.rest);
    return last === "" ? [...this.whole] : [...this.whole, lineOf(this.nextId, this.colours + last)];
  }

  private push(line: string): void {
    const shown = shownOf(line);
    // Programs clear a screen by many empty lines, which no log needs.
    if (
      shown === "" &&
      this.whole.slice(-MOST_EMPTY).every((one) => one.text === "") &&
      this.whole.length > 0
    )
      return;
    this.whole.push(lineOf(this.nextId++, this.colours + shown));
    for (const [sequence, codes] of shown.matchAll(COLOURS)) {
      const isReset = codes === "" || codes === "0";
      this.colours = isReset || this.colours.length > MOST_SEQUENCES ? "" : this.colours + sequence;
    }
  }
}

function lineOf(id: number, line: string): LogLine {
  const spans = spansOf(line);
  return { id, text: spans.map((span) => span.text).join(""), spans };
}
