import { describe, expect, it } from "vitest";

import { parsePatch } from "./hunks";
import { splitRows, unifiedRows } from "./rows";
import { segmentsOf } from "./segments";
import { wordChanges } from "./words";

const [HUNK] = parsePatch(
  "@@ -1,4 +1,5 @@\n a\n-const x = 1;\n-gone\n+const x = 2;\n b\n+new\n+newer\n",
).hunks;

describe("rows of a hunk", () => {
  it("face each other where a line took another's place", () => {
    expect(splitRows(HUNK!).map((row) => [row.left?.text, row.right?.text])).toEqual([
      ["a", "a"],
      ["const x = 1;", "const x = 2;"],
      ["gone", undefined],
      ["b", "b"],
      [undefined, "new"],
      [undefined, "newer"],
    ]);
  });

  it("stand below each other, removed before added, with the changed words marked", () => {
    const rows = unifiedRows(HUNK!);
    expect(rows.map((row) => row.text)).toEqual([
      "a",
      "const x = 1;",
      "gone",
      "const x = 2;",
      "b",
      "new",
      "newer",
    ]);
    expect(rows[1]!.changed).toEqual([[10, 11]]);
    expect(rows[3]!.changed).toEqual([[10, 11]]);
    expect(rows[2]!.changed).toEqual([]);
  });
});

describe("changed words", () => {
  it("are not told of lines that have nothing in common", () => {
    expect(wordChanges("import { a } from 'a';", "return 7 + total")).toBeNull();
  });

  it("are put together where they touch", () => {
    expect(wordChanges("call(one)", "call(two, three)")).toEqual({ removed: [[5, 8]], added: [[5, 15]] });
  });
});

describe("pieces of a line", () => {
  it("have one colour, and have changed or not", () => {
    const tokens = [
      { text: "let", className: "hljs-keyword" },
      { text: " abc", className: "" },
    ];
    expect(segmentsOf("let abc", tokens, [[2, 5]])).toEqual([
      { text: "le", className: "hljs-keyword", isChanged: false },
      { text: "t", className: "hljs-keyword", isChanged: true },
      { text: " a", className: "", isChanged: true },
      { text: "bc", className: "", isChanged: false },
    ]);
  });

  it("are the whole line where nothing is coloured", () => {
    expect(segmentsOf("abc", [], []).map((segment) => segment.text)).toEqual(["abc"]);
    expect(segmentsOf("", [], [])).toEqual([]);
  });
});
