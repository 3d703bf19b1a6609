import { describe, expect, it } from "vitest";

import { LogLines, MOST_LINES } from "./log_lines";
import { findMatches, stepTo } from "./search";

function linesOf(...parts: string[]) {
  const log = new LogLines();
  for (const part of parts) log.append(new TextEncoder().encode(part));
  return log.lines();
}

const texts = (...parts: string[]) => linesOf(...parts).map((line) => line.text);

describe("a log", () => {
  it("makes lines of what comes in pieces, the last one included", () => {
    expect(texts("on", "e\ntw", "o\r\nthr")).toEqual(["one", "two", "thr"]);
  });

  it("keeps a letter whole that comes in two pieces", () => {
    const log = new LogLines();
    const bytes = new TextEncoder().encode("ü\n");
    log.append(bytes.subarray(0, 1));
    log.append(bytes.subarray(1));
    expect(log.lines()[0]!.text).toBe("ü");
  });

  it("shows of a line that was printed over what it said last", () => {
    expect(texts("10 %\r20 %\rdone\n")).toEqual(["done"]);
  });

  it("knows colours, also from one line to the next", () => {
    const [first, second, third] = linesOf("\x1b[31mred\nstill\x1b[0m plain\n\x1b[1;38;5;196mbold\x1b[0m\n");
    expect(first!.spans[0]).toMatchObject({ text: "red", foreground: "ansi-red" });
    expect(second!.spans.map((span) => [span.text, span.foreground])).toEqual([
      ["still", "ansi-red"],
      [" plain", ""],
    ]);
    expect(third!.spans[0]).toMatchObject({ isBold: true, trueForeground: "rgb(255, 0, 0)" });
  });

  it("shows no moves of the cursor and no markup", () => {
    expect(texts("\x1b[2J\x1b[H\x1b]0;title\x07<b>ready</b>\n")).toEqual(["<b>ready</b>"]);
  });

  it("is not filled with the empty lines that clear a screen", () => {
    expect(texts("a\n\n\n\n\nb\n")).toEqual(["a", "", "b"]);
  });

  it("lets go of its oldest lines, and keeps the names of the others", () => {
    const log = new LogLines();
    log.appendText("x\n".repeat(MOST_LINES + 5));
    const lines = log.lines();
    expect(lines).toHaveLength(MOST_LINES);
    expect(lines[0]!.id).toBe(6);
  });
});

describe("searching", () => {
  it("finds all places, in any case of letters", () => {
    const lines = linesOf("Error: an error\nfine\nERROR\n");
    expect(findMatches(lines, "error").map((match) => [match.line, match.from])).toEqual([
      [0, 0],
      [0, 10],
      [2, 0],
    ]);
    expect(findMatches(lines, "")).toEqual([]);
  });

  it("goes around the ends", () => {
    expect(stepTo(2, 1, 3)).toBe(0);
    expect(stepTo(0, -1, 3)).toBe(2);
    expect(stepTo(0, 1, 0)).toBe(0);
  });
});
