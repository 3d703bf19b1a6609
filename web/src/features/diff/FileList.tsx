import type { DiffFileBody } from "@/api/types";
import { classes } from "@/ui/classes";

import { Counts, FileMark, FilePath } from "./FileHead";

interface Props {
  files: readonly DiffFileBody[];
  onShow: (path: string) => void;
  className?: string;
}

/** All files of a diff, where there is room beside them. */
export function FileList({ files, onShow, className }: Props) {
  return (
    <nav aria-label="Changed files" className={classes("overflow-y-auto bg-ground py-1.5", className)}>
      <ul>
        {files.map((file) => (
          <li key={file.path}>
            <button
              type="button"
              onClick={() => onShow(file.path)}
              className="flex min-h-7 w-full items-center gap-2 px-3 text-left text-[0.8125rem] hover:bg-sunken focus-visible:-outline-offset-2"
            >
              <FileMark status={file.status} />
              <FilePath file={{ ...file, old_path: null }} />
              <span className="ml-auto flex shrink-0 gap-1 text-xs">
                <Counts file={file} />
              </span>
            </button>
          </li>
        ))}
      </ul>
    </nav>
  );
}
