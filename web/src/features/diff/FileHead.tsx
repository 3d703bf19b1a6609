import { ChevronDown, Copy } from "lucide-react";

import type { DiffFileBody } from "@/api/types";
import { classes } from "@/ui/classes";
import { IconButton } from "@/ui/IconButton";
import { tell, tellError } from "@/ui/toasts";
import { copyText } from "@/ui/clipboard";

import { markOf } from "./marks";

interface Props {
  file: DiffFileBody;
  isFolded: boolean;
  onFold: () => void;
}

/** A file's name, mark and counts; stays in sight as long as its lines are. */
export function FileHead({ file, isFolded, onFold }: Props) {
  const copy = () => void copyText(file.path).then(() => tell("Path copied"), tellError);
  return (
    <header className="group sticky top-0 z-10 flex items-center border-b bg-surface">
      <h2 className="min-w-0 flex-1">
        <button
          type="button"
          data-file-head
          aria-expanded={!isFolded}
          onClick={onFold}
          className="flex min-h-9 w-full min-w-0 items-center gap-2 py-1 pr-2 pl-2.5 text-left hover:bg-sunken/60 focus-visible:-outline-offset-2"
        >
          <ChevronDown
            aria-hidden
            className={classes("size-4 shrink-0 text-ink-3 transition-transform", isFolded && "-rotate-90")}
          />
          <FileMark status={file.status} />
          <FilePath file={file} />
          <span className="ml-auto flex shrink-0 gap-1.5 pl-2 text-xs">
            <Counts file={file} />
          </span>
        </button>
      </h2>
      <IconButton label="Copy path" className="mr-1 max-md:hidden" onClick={copy}>
        <Copy />
      </IconButton>
    </header>
  );
}

export function FileMark({ status }: { status: string }) {
  const mark = markOf(status);
  return (
    <abbr
      title={mark.word}
      aria-label={mark.word}
      className={classes(
        "w-3.5 shrink-0 text-center font-mono text-xs font-semibold no-underline",
        mark.className,
      )}
    >
      {mark.letter}
    </abbr>
  );
}

/** A path of which the end is always seen: the folders give way first. */
export function FilePath({ file }: { file: Pick<DiffFileBody, "path" | "old_path"> }) {
  const cut = file.path.lastIndexOf("/") + 1;
  return (
    <span
      className="flex min-w-0 items-baseline"
      title={file.old_path ? `${file.old_path} → ${file.path}` : file.path}
    >
      {file.old_path && file.old_path !== file.path && (
        <span className="min-w-8 truncate text-ink-3">{file.old_path}&nbsp;→&nbsp;</span>
      )}
      <span className="truncate text-ink-3">{file.path.slice(0, cut)}</span>
      <span className="max-w-full shrink-0 truncate font-medium">{file.path.slice(cut)}</span>
    </span>
  );
}

export function Counts({ file }: { file: Pick<DiffFileBody, "added" | "removed"> }) {
  if (file.added === null && file.removed === null) return <span className="text-ink-3">binary</span>;
  return (
    <>
      {file.added !== 0 && <span className="text-added">+{(file.added ?? 0).toLocaleString("en")}</span>}
      {file.removed !== 0 && (
        <span className="text-removed">−{(file.removed ?? 0).toLocaleString("en")}</span>
      )}
    </>
  );
}
