import { describe, expect, it } from "vitest";

import { colour, languageOf, tokensOf } from "./highlight";
import { parsePatch } from "./hunks";

describe("the language of a file", () => {
  it.each([
    ["src/App.tsx", "tsx"],
    ["a/b.py", "py"],
    ["Makefile", "makefile"],
    ["settings.toml", "ini"],
    ["page.vue", "xml"],
  ])("%s", (path, language) => expect(languageOf(path)).toBe(language));

  it("is none for what nobody knows", () => {
    expect(languageOf("data.bin")).toBeNull();
    expect(languageOf("LICENSE")).toBeNull();
  });
});

describe("coloured lines", () => {
  it("are taken apart at line ends, also within a comment", () => {
    const lines = tokensOf("/* one\ntwo */ let x", "typescript");
    expect(lines.map((line) => line.map((token) => token.text).join(""))).toEqual(["/* one", "two */ let x"]);
    expect(lines[1]![0]).toEqual({ text: "two */", className: "hljs-comment" });
  });

  it("have the colours of their own side", () => {
    const [hunk] = parsePatch("@@ -1,2 +1,2 @@\n-/* was\n+let y\n let x\n").hunks;
    const coloured = colour(hunk!, "typescript");
    expect(coloured.old.get(2)![0]!.className).toBe("hljs-comment");
    expect(coloured.new.get(2)![0]).toEqual({ text: "let", className: "hljs-keyword" });
  });
});
