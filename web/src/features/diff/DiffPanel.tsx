import "./code.css";

import { useQuery } from "@tanstack/react-query";
import { FileDiff } from "lucide-react";
import { useCallback, useMemo, useRef } from "react";

import type { DiffBody, SessionBody } from "@/api/types";
import { isOn, labelOf } from "@/features/session/label";
import type { PanelProps } from "@/features/session/panels";
import { useKept, useStored } from "@/ui/kept";
import { Empty, Failed, Loading } from "@/ui/states";

import { DiffToolbar } from "./DiffToolbar";
import { FileList } from "./FileList";
import { FileSection } from "./FileSection";
import { goToFile, useFileKeys } from "./file_keys";
import { beginsFolded } from "./marks";
import { PullRequestBar } from "./PullRequestBar";
import { diffQuery } from "./queries";
import { useIsWide } from "./use_is_wide";

/** Everything that differs from the commit the session began at. */
export default function DiffPanel({ session }: PanelProps) {
  const { data: diff, error, refetch } = useQuery(diffQuery(session.id));
  return (
    <div className="flex h-full min-h-0 flex-col">
      <PullRequestBar
        session={session}
        hasChanges={diff === undefined ? null : (diff?.files.length ?? 0) > 0}
      />
      {error && !diff ? (
        <Failed error={error} onRetry={() => void refetch()} />
      ) : diff === undefined ? (
        <Loading />
      ) : diff === null || diff.files.length === 0 ? (
        <NoChanges session={session} isComputed={diff !== null} />
      ) : (
        <Files session={session} diff={diff} />
      )}
    </div>
  );
}

/** From this width on a diff can be shown side by side; from the second on it is, unless one has chosen. */
const SPLIT_FROM_PX = 540;
const SPLIT_UNASKED_FROM_PX = 860;

/** Files that were folded or unfolded by hand, by path. */
type Folds = Readonly<Record<string, boolean>>;

function Files({ session, diff }: { session: SessionBody; diff: DiffBody }) {
  const [chosenLayout, chooseLayout] = useStored("diff-layout", ["auto", "split", "unified"]);
  const [folds, setFolds] = useKept<Folds>(`diff-folds:${session.id}`, {});
  const scroller = useRef<HTMLDivElement>(null);
  const canSplit = useIsWide(scroller, SPLIT_FROM_PX);
  const isWide = useIsWide(scroller, SPLIT_UNASKED_FROM_PX);
  const wanted = chosenLayout === "auto" ? (isWide ? "split" : "unified") : chosenLayout;
  const layout = canSplit ? wanted : "unified";
  useFileKeys(scroller);

  const folded = useMemo(
    () =>
      new Set(diff.files.filter((file) => folds[file.path] ?? beginsFolded(file)).map((file) => file.path)),
    [diff.files, folds],
  );
  const { files } = diff;
  const onFold = useCallback(
    (path: string) =>
      setFolds((before) => {
        const file = files.find((one) => one.path === path);
        return { ...before, [path]: !(before[path] ?? (file !== undefined && beginsFolded(file))) };
      }),
    [files, setFolds],
  );
  const foldAll = (isFolded: boolean) =>
    setFolds(Object.fromEntries(files.map((file) => [file.path, isFolded])));
  const show = (path: string) => {
    setFolds((before) => ({ ...before, [path]: false }));
    goToFile(scroller.current, path);
  };

  return (
    <>
      <DiffToolbar
        diff={diff}
        isSandboxOn={isOn(session)}
        layout={layout}
        onLayout={canSplit ? chooseLayout : null}
        areAllFolded={folded.size === files.length}
        onFoldAll={foldAll}
        onShow={show}
      />
      <div className="@container flex min-h-0 flex-1">
        <FileList files={files} onShow={show} className="hidden w-64 shrink-0 border-r @4xl:block" />
        <div
          ref={scroller}
          role="region"
          aria-label="Changed files"
          tabIndex={-1}
          className="min-w-0 flex-1 overflow-y-auto bg-surface pb-[30vh] focus:outline-none"
        >
          {diff.is_truncated && (
            <p className="border-b bg-waiting-soft px-4 py-2 text-waiting">
              The diff is too large to be kept whole; files whose part is missing can be shown one by one.
            </p>
          )}
          {files.map((file) => (
            <FileSection
              key={file.path}
              session={session.id}
              file={file}
              layout={layout}
              isFolded={folded.has(file.path)}
              onFold={onFold}
            />
          ))}
        </div>
      </div>
    </>
  );
}

function NoChanges({ session, isComputed }: { session: SessionBody; isComputed: boolean }) {
  const isStarting = labelOf(session) === "Starting";
  if (isStarting) return <Loading label="Starting…" />;
  return (
    <Empty icon={<FileDiff />} title={isComputed ? "No changes yet" : "No diff yet"}>
      {isComputed
        ? "What the agent or you change in the files shows here at once: committed, uncommitted and new files alike."
        : "The diff is computed when the session is on."}
    </Empty>
  );
}
