/** Keys that a phone's keyboard lacks, as bytes for a terminal. */

export type ScreenKey = "Esc" | "Tab" | "Up" | "Down" | "Left" | "Right" | "Home" | "End" | "PgUp" | "PgDn";

const ARROWS: Partial<Record<ScreenKey, string>> = {
  Up: "A",
  Down: "B",
  Right: "C",
  Left: "D",
  End: "F",
  Home: "H",
};

/** Returns what a key sends; programs such as editors ask for arrows in "application mode". */
export function bytesOf(key: ScreenKey, isApplicationMode: boolean): string {
  const arrow = ARROWS[key];
  if (arrow !== undefined) return `\x1b${isApplicationMode ? "O" : "["}${arrow}`;
  switch (key) {
    case "Esc":
      return "\x1b";
    case "Tab":
      return "\t";
    case "PgUp":
      return "\x1b[5~";
    default:
      return "\x1b[6~";
  }
}

/** Returns what is sent for something typed while Ctrl is held: Ctrl and C is the byte 3. */
export function withControl(typed: string): string {
  if (typed.length !== 1) return typed;
  const code = typed.toUpperCase().charCodeAt(0);
  if (code >= 0x40 && code <= 0x5f) return String.fromCharCode(code - 0x40);
  if (typed === " ") return "\0";
  if (typed === "?") return "\x7f";
  return typed;
}
