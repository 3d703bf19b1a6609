/** Reads one file's part of `git diff` output: its hunks, and what it says besides lines. */

export type LineKind = "added" | "removed" | "same";

export interface Line {
  kind: LineKind;
  /** Number in the old file; null for an added line. */
  old: number | null;
  /** Number in the new file; null for a removed line. */
  new: number | null;
  text: string;
  /** The file ends here, without a line end. */
  hasNoNewline?: true;
}

export interface Hunk {
  oldStart: number;
  newStart: number;
  /** What git found to be around it, such as a function's first line; often empty. */
  context: string;
  lines: Line[];
}

export interface Patch {
  hunks: Hunk[];
  /** Changes of a file that are no lines, such as of its mode: in words. */
  notes: string[];
}

const HUNK = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@ ?(.*)$/;

export function parsePatch(patch: string): Patch {
  const hunks: Hunk[] = [];
  const notes: string[] = [];
  let hunk: Hunk | null = null;
  let before = 0;
  let after = 0;
  const lines = patch.split("\n");
  if (lines.at(-1) === "") lines.pop();
  for (const line of lines) {
    const head = HUNK.exec(line);
    if (head) {
      before = Number(head[1]);
      after = Number(head[2]);
      hunk = { oldStart: before, newStart: after, context: head[3] ?? "", lines: [] };
      hunks.push(hunk);
    } else if (line.startsWith("diff --git ")) {
      hunk = null; // What becomes a link, or a file again, has two parts.
    } else if (hunk === null) {
      const note = noteOf(line);
      if (note) notes.push(note);
    } else if (line.startsWith("\\")) {
      const last = hunk.lines.at(-1);
      if (last) last.hasNoNewline = true;
    } else {
      const text = line.slice(1).replace(/\r$/, "");
      if (line.startsWith("+")) hunk.lines.push({ kind: "added", old: null, new: after++, text });
      else if (line.startsWith("-")) hunk.lines.push({ kind: "removed", old: before++, new: null, text });
      else hunk.lines.push({ kind: "same", old: before++, new: after++, text });
    }
  }
  return { hunks, notes: modesTogether(notes) };
}

/** How many lines a patch has to show. */
export function lineCount(patch: Patch): number {
  return patch.hunks.reduce((sum, hunk) => sum + hunk.lines.length, 0);
}

const MODES: Record<string, string> = {
  "100644": "plain file",
  "100755": "executable",
  "120000": "symbolic link",
  "160000": "submodule",
};

function noteOf(line: string): string | null {
  const mode = /^(old|new) mode (\d+)$/.exec(line);
  if (mode)
    return `${mode[1] === "old" ? "Was" : "is now"} ${MODES[mode[2] ?? ""] ?? `mode ${mode[2] ?? ""}`}`;
  const made = /^new file mode (\d+)$/.exec(line);
  if (made && made[1] !== "100644") return `New ${MODES[made[1] ?? ""] ?? `file of mode ${made[1] ?? ""}`}`;
  const similar = /^similarity index (\d+)%$/.exec(line);
  if (similar?.[1] === "100") return "Moved, with the same content";
  return null;
}

function modesTogether(notes: string[]): string[] {
  const was = notes.findIndex((note) => note.startsWith("Was "));
  const is = notes.findIndex((note) => note.startsWith("is now "));
  if (was < 0 || is < 0) return notes;
  const others = notes.filter((_, place) => place !== was && place !== is);
  return [`${notes[was] ?? ""}, ${notes[is] ?? ""}`, ...others];
}
