import { ChevronsDownUp, ChevronsUpDown, Columns2, FileDiff, Rows2 } from "lucide-react";

import type { DiffBody } from "@/api/types";
import { IconButton } from "@/ui/IconButton";
import { Menu, MenuItem } from "@/ui/Menu";

import { Counts, FileMark, FilePath } from "./FileHead";
import { totals } from "./marks";
import type { Layout } from "./PatchTable";
import { whenTaken } from "./when_taken";

interface Props {
  diff: DiffBody;
  isSandboxOn: boolean;
  layout: Layout;
  /** Null: there is room for one layout only. */
  onLayout: ((layout: Layout) => void) | null;
  areAllFolded: boolean;
  onFoldAll: (isFolded: boolean) => void;
  onShow: (path: string) => void;
}

export function DiffToolbar({ diff, isSandboxOn, layout, onLayout, areAllFolded, onFoldAll, onShow }: Props) {
  const { files } = diff;
  return (
    <div className="flex h-10 shrink-0 items-center gap-2 border-b bg-surface px-1.5">
      <Menu
        align="start"
        trigger={
          <button
            type="button"
            className="flex h-7 min-w-0 items-center gap-2 rounded-md px-1.5 hover:bg-sunken"
            title="Go to a file; n and p go to the next and the previous"
          >
            <FileDiff className="size-4 shrink-0 text-ink-3" aria-hidden />
            <span className="truncate font-medium">
              {files.length} {files.length === 1 ? "file" : "files"}
            </span>
            <span className="flex gap-1.5 text-xs">
              <Counts file={totals(files)} />
            </span>
          </button>
        }
      >
        <div className="max-w-[min(32rem,85vw)]">
          {files.map((file) => (
            <MenuItem key={file.path} onSelect={() => onShow(file.path)}>
              <span className="flex items-center gap-2">
                <FileMark status={file.status} />
                <FilePath file={file} />
                <span className="ml-auto flex shrink-0 gap-1.5 pl-3 text-xs">
                  <Counts file={file} />
                </span>
              </span>
            </MenuItem>
          ))}
        </div>
      </Menu>
      <span className="ml-auto flex min-w-0 items-center gap-1.5 truncate text-xs text-ink-3" role="status">
        {diff.is_live && isSandboxOn ? (
          <>
            <span className="size-1.5 shrink-0 rounded-full bg-idle" aria-hidden />
            Live
          </>
        ) : (
          <span className="truncate">Last diff, from {whenTaken(diff.taken_at, new Date())}</span>
        )}
      </span>
      {onLayout && (
        <IconButton
          label={layout === "split" ? "Show in one column" : "Show side by side"}
          onClick={() => onLayout(layout === "split" ? "unified" : "split")}
        >
          {layout === "split" ? <Rows2 /> : <Columns2 />}
        </IconButton>
      )}
      <IconButton
        label={areAllFolded ? "Unfold all files" : "Fold all files"}
        onClick={() => onFoldAll(!areAllFolded)}
      >
        {areAllFolded ? <ChevronsUpDown /> : <ChevronsDownUp />}
      </IconButton>
    </div>
  );
}
