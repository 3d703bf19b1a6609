import { describe, expect, it } from "vitest";

import { lineCount, parsePatch } from "./hunks";

const PATCH = `diff --git a/src/app.py b/src/app.py
index 1..2 100644
--- a/src/app.py
+++ b/src/app.py
@@ -1,3 +1,3 @@
 import os
-x = 1
+x = 2
 y = 3
@@ -20 +20,2 @@ def run():
 z
+--- not a head
\\ No newline at end of file
`;

describe("reading a file's patch", () => {
  it("numbers each line in the files it is in", () => {
    const [first, second] = parsePatch(PATCH).hunks;
    expect(first!.lines.map((line) => [line.kind, line.old, line.new, line.text])).toEqual([
      ["same", 1, 1, "import os"],
      ["removed", 2, null, "x = 1"],
      ["added", null, 2, "x = 2"],
      ["same", 3, 3, "y = 3"],
    ]);
    expect(second!.context).toBe("def run():");
    expect(second!.lines.at(-1)).toEqual({
      kind: "added",
      old: null,
      new: 21,
      text: "--- not a head",
      hasNoNewline: true,
    });
    expect(lineCount(parsePatch(PATCH))).toBe(6);
  });

  it("says in words what is no line", () => {
    const patch = "diff --git a/run b/run\nold mode 100644\nnew mode 100755\n";
    expect(parsePatch(patch)).toEqual({ hunks: [], notes: ["Was plain file, is now executable"] });
    expect(
      parsePatch("diff --git a/a b/b\nsimilarity index 100%\nrename from a\nrename to b\n").notes,
    ).toEqual(["Moved, with the same content"]);
  });

  it("reads both parts of a file that became a link", () => {
    const patch =
      "diff --git a/l b/l\ndeleted file mode 100644\n--- a/l\n+++ /dev/null\n@@ -1 +0,0 @@\n-text\n" +
      "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+elsewhere\n\\ No newline at end of file\n";
    const read = parsePatch(patch);
    expect(read.hunks.map((hunk) => hunk.lines.map((line) => line.text))).toEqual([["text"], ["elsewhere"]]);
    expect(read.notes).toEqual(["New symbolic link"]);
  });

  it("leaves the carriage returns of line ends away", () => {
    expect(parsePatch("@@ -0,0 +1 @@\n+a\r\n").hunks[0]!.lines[0]!.text).toBe("a");
  });
});
