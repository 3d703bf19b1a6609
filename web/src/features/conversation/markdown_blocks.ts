/** Splits Markdown into blocks that can be drawn by themselves, so that of a growing text only the last is drawn anew. */

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
/** What belongs to the block before it, blank line or not: list items, indented lines, quotes, tables. */
const CONTINUES = /^(\s|[-*+] |\d+[.)] |>|\|)/;
const DEFINES_LINK = /^ {0,3}\[[^\]]+\]: /m;

export function splitBlocks(markdown: string): readonly string[] {
  // Links defined elsewhere in the text bind all of it together.
  if (DEFINES_LINK.test(markdown)) return [markdown];
  const blocks: string[] = [];
  let block: string[] = [];
  let fence: string | null = null;
  let isAfterBlank = false;
  for (const line of markdown.split("\n")) {
    if (fence === null && isAfterBlank && line.trim() !== "" && !CONTINUES.test(line)) {
      blocks.push(block.join("\n"));
      block = [];
    }
    block.push(line);
    fence = fenceAfter(line, fence);
    isAfterBlank = fence === null && line.trim() === "";
  }
  blocks.push(block.join("\n"));
  return blocks.filter((each) => each.trim() !== "");
}

/** Returns the mark that closes the code in which one is after a line; null outside of code. */
function fenceAfter(line: string, fence: string | null): string | null {
  const mark = FENCE.exec(line)?.[1];
  if (mark === undefined) return fence;
  if (fence === null) return mark;
  const isClosing = mark[0] === fence[0] && mark.length >= fence.length && line.trim() === mark;
  return isClosing ? null : fence;
}
