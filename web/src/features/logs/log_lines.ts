/** Makes lines with colours of what a process prints, as it comes. */
import Anser from "anser";

export interface Span {
  text: string;
  /** `ansi-red`, `ansi-bright-blue`, …; empty for the usual colour. */
  foreground: string;
  background: string;
  /** CSS colours, where the program named one of 16 million. */
  trueForeground: string | null;
  trueBackground: string | null;
  isBold: boolean;
  isDim: boolean;
  isItalic: boolean;
  isUnderlined: boolean;
}

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
/** Moves of the cursor, clearing of the screen, titles of windows: a log is read from top to bottom. */
const MOVES = new RegExp(
  [
    String.raw`\x1b\[[0-9;?]*[A-HJKSTfhlnsu]`,
    String.raw`\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)`,
    String.raw`\x1b[=>()][0-9A-B]?`,
    String.raw`[\x00-\x08\x0b\x0c\x0e-\x1a\x7f]`,
  ].join("|"),
  "g",
);

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
    const last = visible(this.rest);
    return last === "" ? [...this.whole] : [...this.whole, lineOf(this.nextId, this.colours + last)];
  }

  private push(line: string): void {
    const shown = visible(line);
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

/** Returns what is left to be seen of a line: what was printed over is not. */
function visible(line: string): string {
  const shown = line.replace(/\r+$/, "").replace(MOVES, "");
  return shown.slice(shown.lastIndexOf("\r") + 1);
}

function lineOf(id: number, line: string): LogLine {
  const spans = Anser.ansiToJson(line, { json: true, use_classes: true, remove_empty: true }).map(
    (entry): Span => {
      const has = (decoration: string) => (entry.decorations as string[]).includes(decoration);
      return {
        text: entry.content,
        foreground: named(entry.fg),
        background: named(entry.bg),
        trueForeground: trueColour(entry.fg, entry.fg_truecolor),
        trueBackground: trueColour(entry.bg, entry.bg_truecolor),
        isBold: has("bold"),
        isDim: has("dim"),
        isItalic: has("italic"),
        isUnderlined: has("underline"),
      };
    },
  );
  return { id, text: spans.map((span) => span.text).join(""), spans };
}

function named(colour: string | null): string {
  return colour && !colour.startsWith("ansi-palette") && colour !== "ansi-truecolor" ? colour : "";
}

function trueColour(colour: string | null, parts: string | null): string | null {
  if (colour === "ansi-truecolor" && parts) return `rgb(${parts})`;
  const place = /^ansi-palette-(\d+)$/.exec(colour ?? "")?.[1];
  return place === undefined ? null : paletteColour(Number(place));
}

/** Returns one of the 216 colours and 24 greys that come after the first 16. */
function paletteColour(place: number): string | null {
  if (place < 16 || place > 255) return null;
  if (place >= 232) {
    const grey = 8 + (place - 232) * 10;
    return `rgb(${grey}, ${grey}, ${grey})`;
  }
  const level = (step: number) => (step === 0 ? 0 : 55 + step * 40);
  const cube = place - 16;
  return `rgb(${level(Math.floor(cube / 36))}, ${level(Math.floor(cube / 6) % 6)}, ${level(cube % 6)})`;
}
