/** Makes pieces with colours of what a program prints for a terminal. Pure. */
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

/** Returns a text as pieces of one colour each. */
export function spansOf(text: string): Span[] {
  return Anser.ansiToJson(text, { json: true, use_classes: true, remove_empty: true }).map((entry): Span => {
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
  });
}

/** Returns what is left to be seen of a line: what was printed over is not. */
export function shownOf(line: string): string {
  const shown = line.replace(/\r+$/, "").replace(MOVES, "");
  return shown.slice(shown.lastIndexOf("\r") + 1);
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
