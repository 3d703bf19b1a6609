import { describe, expect, it } from "vitest";

import { commentMessage, extend, linesAt, placeOf } from "./comment";
import { parsePatch } from "./hunks";

const { hunks } = parsePatch("@@ -10,3 +10,3 @@\n a\n-b ``` b\n+c\n d\n");

describe("a comment on lines", () => {
  it("quotes them with their place", () => {
    const anchor = { side: "new", from: 10, to: 11 } as const;
    expect(commentMessage("src/a.ts", anchor, linesAt(hunks, anchor), " Why? \n")).toBe(
      "On `src/a.ts`, lines 10-11:\n```diff\n a\n+c\n```\nWhy?",
    );
  });

  it("says when the lines are gone, and is not ended by what they hold", () => {
    const anchor = { side: "old", from: 11, to: 11 } as const;
    expect(commentMessage("a", anchor, linesAt(hunks, anchor), "Keep it")).toBe(
      "On `a`, line 11 before the change:\n````diff\n-b ``` b\n````\nKeep it",
    );
  });

  it("grows in both directions, on one side", () => {
    const anchor = extend(null, "new", 5);
    expect(extend(anchor, "new", 8)).toEqual({ side: "new", from: 5, to: 8 });
    expect(extend(anchor, "new", 2)).toEqual({ side: "new", from: 2, to: 5 });
    expect(extend(anchor, "old", 2)).toEqual({ side: "old", from: 2, to: 2 });
    expect(placeOf(anchor)).toBe("line 5");
  });

  it("does not quote a whole file", () => {
    const [hunk] = parsePatch(`@@ -0,0 +1,40 @@\n${"+x\n".repeat(40)}`).hunks;
    const anchor = { side: "new", from: 1, to: 40 } as const;
    expect(commentMessage("a", anchor, linesAt([hunk!], anchor), "x")).toContain("\n… 28 more lines\n");
  });
});
