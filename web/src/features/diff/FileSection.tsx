import { useQuery } from "@tanstack/react-query";
import { memo, useCallback, useMemo, useRef, useState } from "react";

import type { DiffFileBody } from "@/api/types";
import { appendToDraft } from "@/features/conversation/drafts";
import { send } from "@/features/conversation/outbox";
import { Button } from "@/ui/Button";
import { Loading } from "@/ui/states";
import { tell } from "@/ui/toasts";

import { type Anchor, commentMessage, extend, linesAt, type Side } from "./comment";
import { FileHead } from "./FileHead";
import { lineCount, parsePatch } from "./hunks";
import { type Layout, PatchTable } from "./PatchTable";
import { filePatchQuery } from "./queries";
import { useSeen } from "./use_seen";

const LINE_PX = 20;
/** Lines that are shown at once; the rest of a longer file on demand, as each is a row of the page. */
const MOST_LINES = 3_000;

interface Props {
  session: string;
  file: DiffFileBody;
  layout: Layout;
  isFolded: boolean;
  onFold: (path: string) => void;
}

/** One file of the diff. Its lines are only made once it comes into sight. */
export const FileSection = memo(function FileSection({ session, file, layout, isFolded, onFold }: Props) {
  const place = useRef<HTMLElement>(null);
  const isSeen = useSeen(place);
  return (
    <section ref={place} data-file={file.path} aria-label={file.path} className="border-b">
      <FileHead file={file} isFolded={isFolded} onFold={() => onFold(file.path)} />
      {!isFolded &&
        (isSeen ? (
          <FileBody session={session} file={file} layout={layout} />
        ) : (
          <div
            style={{ height: LINE_PX * Math.min(MOST_LINES, (file.added ?? 0) + (file.removed ?? 0) + 6) }}
          />
        ))}
    </section>
  );
});

type BodyProps = Pick<Props, "session" | "file" | "layout">;

function FileBody({ session, file, layout }: BodyProps) {
  if (file.is_binary) return <Note>A binary file: it has no lines to show.</Note>;
  if (file.is_too_large) return <LargeFile session={session} file={file} layout={layout} />;
  return <FilePatch session={session} path={file.path} patch={file.patch ?? ""} layout={layout} />;
}

function LargeFile({ session, file, layout }: BodyProps) {
  const [isAsked, setIsAsked] = useState(false);
  const { data, error, refetch } = useQuery({ ...filePatchQuery(session, file.path), enabled: isAsked });
  if (data) {
    return (
      <>
        {data.is_truncated && <Note>Its changes are longer than 8 MiB; the end is missing here.</Note>}
        <FilePatch session={session} path={file.path} patch={data.patch} layout={layout} />
      </>
    );
  }
  if (error) {
    return (
      <Note>
        <span role="alert">{error.message}</span>
        <Button size="small" onClick={() => void refetch()}>
          Try again
        </Button>
      </Note>
    );
  }
  if (isAsked) return <Loading label={`Reading ${file.path}`} />;
  return (
    <Note>
      Too long to be shown at once.
      <Button size="small" onClick={() => setIsAsked(true)}>
        Show its changes
      </Button>
    </Note>
  );
}

function FilePatch({
  session,
  path,
  patch: text,
  layout,
}: {
  session: string;
  path: string;
  patch: string;
  layout: Layout;
}) {
  const whole = useMemo(() => parsePatch(text), [text]);
  const [isWhole, setIsWhole] = useState(false);
  const count = useMemo(() => lineCount(whole), [whole]);
  const patch = useMemo(() => (isWhole ? whole : first(whole, MOST_LINES)), [whole, isWhole]);
  const [anchor, setAnchor] = useState<Anchor | null>(null);

  const onAnchor = useCallback(
    (side: Side, line: number, isExtended: boolean) =>
      setAnchor((before) => extend(isExtended ? before : null, side, line)),
    [],
  );
  const onCancel = useCallback(() => setAnchor(null), []);
  const onComment = useCallback(
    (comment: string, how: "draft" | "now") => {
      if (anchor === null) return;
      const message = commentMessage(path, anchor, linesAt(whole.hunks, anchor), comment);
      if (how === "draft") appendToDraft(session, message);
      else send(session, message, []);
      tell(how === "draft" ? "Added to your message" : "Sent to the agent");
      setAnchor(null);
    },
    [anchor, path, whole, session],
  );

  return (
    <>
      {patch.notes.map((note) => (
        <Note key={note}>{note}</Note>
      ))}
      {patch.hunks.length === 0 && patch.notes.length === 0 && (
        <Note>Its content is the same; it is empty, or only its name has changed.</Note>
      )}
      {patch.hunks.length > 0 && (
        <PatchTable
          path={path}
          patch={patch}
          layout={layout}
          anchor={anchor}
          onAnchor={onAnchor}
          onComment={onComment}
          onCancel={onCancel}
        />
      )}
      {!isWhole && count > MOST_LINES && (
        <Note>
          {(count - MOST_LINES).toLocaleString("en")} more lines.
          <Button size="small" onClick={() => setIsWhole(true)}>
            Show them
          </Button>
        </Note>
      )}
    </>
  );
}

function Note({ children }: { children: React.ReactNode }) {
  return <div className="flex flex-wrap items-center gap-3 px-4 py-3 text-ink-2">{children}</div>;
}

/** Returns a patch's first lines. */
function first(patch: ReturnType<typeof parsePatch>, most: number): ReturnType<typeof parsePatch> {
  let room = most;
  const hunks = [];
  for (const hunk of patch.hunks) {
    if (room <= 0) break;
    hunks.push(hunk.lines.length <= room ? hunk : { ...hunk, lines: hunk.lines.slice(0, room) });
    room -= hunk.lines.length;
  }
  return { ...patch, hunks };
}
