import { expect, it } from "vitest";

import { splitBlocks } from "./markdown_blocks";

it("splits paragraphs and headings", () => {
  expect(splitBlocks("# A\n\nb\nc\n\nd")).toEqual(["# A\n", "b\nc\n", "d"]);
});

it("keeps code whole, blank lines and other fences in it included", () => {
  const code = "```js\na\n\n~~~\nb\n```";
  expect(splitBlocks(`x\n\n${code}\n\ny`)).toEqual(["x\n", `${code}\n`, "y"]);
});

it("keeps code that is still being written whole", () => {
  expect(splitBlocks("```\na\n\nb")).toEqual(["```\na\n\nb"]);
});

it("keeps loose lists whole", () => {
  expect(splitBlocks("1. a\n\n2. b\n\n   more\n\nend")).toEqual(["1. a\n\n2. b\n\n   more\n", "end"]);
});

it("does not split a text that defines links", () => {
  expect(splitBlocks("[a]\n\n[a]: https://lot.example")).toHaveLength(1);
});

it("changes only the last block while a text grows", () => {
  const text = "One.\n\nTwo.\n\n```\ncode\n```\n\nThree";
  for (let length = 1; length < text.length; length += 1) {
    const before = splitBlocks(text.slice(0, length));
    const after = splitBlocks(text.slice(0, length + 1));
    expect(after.slice(0, before.length - 1)).toEqual(before.slice(0, -1));
  }
});
