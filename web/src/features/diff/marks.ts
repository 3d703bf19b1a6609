/** What happened to a file, in a letter, a word and a colour. */
import type { DiffFileBody } from "@/api/types";

export interface Mark {
  letter: string;
  word: string;
  className: string;
}

const MARKS: Record<string, Mark> = {
  added: { letter: "A", word: "Added", className: "text-added" },
  modified: { letter: "M", word: "Modified", className: "text-waiting" },
  deleted: { letter: "D", word: "Deleted", className: "text-removed" },
  renamed: { letter: "R", word: "Renamed", className: "text-running" },
  copied: { letter: "C", word: "Copied", className: "text-running" },
  type_changed: { letter: "T", word: "Became another kind of file", className: "text-waiting" },
};

export function markOf(status: string): Mark {
  return MARKS[status] ?? { letter: "?", word: status, className: "text-ink-3" };
}

type Counted = Pick<DiffFileBody, "added" | "removed">;

/** Returns the lines that were added and removed in all; binary files have none. */
export function totals(files: readonly Counted[]): { added: number; removed: number } {
  const sum = (which: keyof Counted) => files.reduce((total, file) => total + (file[which] ?? 0), 0);
  return { added: sum("added"), removed: sum("removed") };
}

/** Files that programs write; they begin folded. */
const WRITTEN =
  /(^|\/)(package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lock|uv\.lock|poetry\.lock|Cargo\.lock|composer\.lock|Gemfile\.lock|go\.sum)$|\.min\.(js|css)$|\.map$/;
/** Diffs of more lines begin folded. */
const LONG = 800;

/** Whether a file's diff is better not shown before somebody asks for it. */
export function beginsFolded(file: Pick<DiffFileBody, "path" | "added" | "removed">): boolean {
  return WRITTEN.test(file.path) || (file.added ?? 0) + (file.removed ?? 0) > LONG;
}
