/** Colours for code: the language a path has, and lines taken apart into pieces with a class each. */
import { common, createLowlight } from "lowlight";

import type { Hunk } from "./hunks";

export interface Token {
  text: string;
  /** Of highlight.js, such as `hljs-keyword`; empty for plain text. */
  className: string;
}

/** What lowlight returns, as far as it is looked at. */
interface Node {
  type: string;
  value?: string;
  properties?: { className?: unknown };
  children?: readonly Node[];
}

const lowlight = createLowlight(common);

/** Names of files and ends of names that highlight.js does not know by themselves. */
const LANGUAGES: Record<string, string> = {
  cjs: "javascript",
  cts: "typescript",
  mts: "typescript",
  svelte: "xml",
  vue: "xml",
  htm: "xml",
  pyi: "python",
  bash: "bash",
  zsh: "bash",
  env: "ini",
  toml: "ini",
  cfg: "ini",
  conf: "ini",
  gemfile: "ruby",
  rakefile: "ruby",
  makefile: "makefile",
  webmanifest: "json",
  jsonl: "json",
};

/** Beyond so many characters a hunk stays plain: colours are not worth a page that hangs. */
const LONGEST = 100_000;

/** Returns the language of a file, by its name; null: none that can be coloured. */
export function languageOf(path: string): string | null {
  const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  const end = name.slice(name.lastIndexOf(".") + 1);
  const language = LANGUAGES[name] ?? LANGUAGES[end] ?? end;
  return lowlight.registered(language) ? language : null;
}

/** Returns each line of a text as pieces; a piece never goes over a line's end. */
export function tokensOf(text: string, language: string): Token[][] {
  const lines: Token[][] = [[]];
  const visit = (node: Node, className: string): void => {
    if (node.value !== undefined) {
      node.value.split("\n").forEach((part, place) => {
        if (place > 0) lines.push([]);
        if (part) lines.at(-1)?.push({ text: part, className });
      });
    }
    const own = Array.isArray(node.properties?.className) ? node.properties.className.join(" ") : className;
    for (const child of node.children ?? []) visit(child, own);
  };
  visit(lowlight.highlight(language, text), "");
  return lines;
}

/** The pieces of a hunk's lines, by number in the old and in the new file. */
export interface Coloured {
  old: ReadonlyMap<number, readonly Token[]>;
  new: ReadonlyMap<number, readonly Token[]>;
}

export const PLAIN: Coloured = { old: new Map(), new: new Map() };

/** Colours a hunk: its old and its new lines each as a text of their own, so that what goes over lines is seen. */
export function colour(hunk: Hunk, language: string | null): Coloured {
  if (language === null) return PLAIN;
  const side = (which: "old" | "new") => {
    const lines = hunk.lines.filter((line) => line[which] !== null);
    const text = lines.map((line) => line.text).join("\n");
    if (text.length > LONGEST) return new Map<number, Token[]>();
    const tokens = tokensOf(text, language);
    return new Map(lines.map((line, place) => [line[which] ?? 0, tokens[place] ?? []]));
  };
  return { old: side("old"), new: side("new") };
}
