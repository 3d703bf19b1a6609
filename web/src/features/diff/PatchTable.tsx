import { Fragment, type KeyboardEvent, memo, useMemo } from "react";

import { classes } from "@/ui/classes";

import { CodeLine } from "./CodeLine";
import type { Anchor, Side } from "./comment";
import { CommentBox } from "./CommentBox";
import { colour, languageOf, type Coloured } from "./highlight";
import type { Hunk, Patch } from "./hunks";
import { type ShownLine, splitRows, unifiedRows } from "./rows";

export type Layout = "split" | "unified";

interface Props {
  path: string;
  patch: Patch;
  layout: Layout;
  /** Lines that a comment is being written on. */
  anchor: Anchor | null;
  onAnchor: (side: Side, line: number, isExtended: boolean) => void;
  onComment: (comment: string, how: "draft" | "now") => void;
  onCancel: () => void;
}

/** The changed lines of one file. Each line number is a button that begins a comment; arrow keys go from one to the next. */
export const PatchTable = memo(function PatchTable(props: Props) {
  const { path, patch, layout } = props;
  const language = languageOf(path);
  const coloured = useMemo(() => patch.hunks.map((hunk) => colour(hunk, language)), [patch, language]);
  return (
    <table
      aria-label={`Changes of ${path}`}
      onKeyDown={moveAlong}
      className="lot-code w-full table-fixed border-collapse font-mono text-xs leading-5"
    >
      <colgroup>
        <col className={layout === "split" ? "w-11" : "w-9 max-md:hidden"} />
        {layout === "split" && <col />}
        <col className={layout === "split" ? "w-11" : "w-9"} />
        <col />
      </colgroup>
      <tbody>
        {patch.hunks.map((hunk, place) => (
          <Fragment key={`${hunk.oldStart}-${hunk.newStart}`}>
            <HunkHead hunk={hunk} isFirst={place === 0} columns={layout === "split" ? 4 : 3} />
            {layout === "split" ? (
              <SplitLines {...props} hunk={hunk} coloured={coloured[place]} />
            ) : (
              <UnifiedLines {...props} hunk={hunk} coloured={coloured[place]} />
            )}
          </Fragment>
        ))}
      </tbody>
    </table>
  );
});

function HunkHead({ hunk, isFirst, columns }: { hunk: Hunk; isFirst: boolean; columns: number }) {
  if (isFirst && hunk.newStart <= 1) return null;
  return (
    <tr className="bg-sunken/60 text-ink-3 select-none">
      <td colSpan={columns} className="h-6 truncate px-3">
        <span aria-hidden>⋯ </span>
        {hunk.context || <span className="sr-only">Lines left out</span>}
      </td>
    </tr>
  );
}

interface LinesProps extends Props {
  hunk: Hunk;
  coloured: Coloured | undefined;
}

function UnifiedLines(props: LinesProps) {
  const { hunk, coloured } = props;
  const rows = useMemo(() => unifiedRows(hunk), [hunk]);
  return rows.map((line) => {
    const side = line.kind === "removed" ? "old" : "new";
    const isIn = contains(props.anchor, side, line[side]);
    return (
      <Fragment key={`${line.old ?? ""}:${line.new ?? ""}`}>
        <tr className={classes(isIn && "bg-waiting-soft")}>
          <td className={classes("max-md:hidden", GUTTER, !isIn && GUTTERS[line.kind])}>
            {line.old !== null && (
              <LineButton {...props} side="old" line={line.old} isQuiet={line.kind === "same"} />
            )}
          </td>
          <td className={classes(GUTTER, !isIn && GUTTERS[line.kind])}>
            {line.new !== null && <LineButton {...props} side="new" line={line.new} />}
            {line.new === null && line.old !== null && (
              <span className="md:hidden">
                <LineButton {...props} side="old" line={line.old} />
              </span>
            )}
          </td>
          <Code
            line={line}
            isIn={isIn}
            tokens={line.new === null ? coloured?.old.get(line.old ?? 0) : coloured?.new.get(line.new)}
          />
        </tr>
        {isEnd(props.anchor, side, line[side]) && <CommentRow {...props} columns={3} />}
      </Fragment>
    );
  });
}

function SplitLines(props: LinesProps) {
  const { hunk, coloured } = props;
  const rows = useMemo(() => splitRows(hunk), [hunk]);
  return rows.map(({ left, right }) => {
    const isLeftIn = contains(props.anchor, "old", left?.old ?? null);
    const isRightIn = contains(props.anchor, "new", right?.new ?? null);
    return (
      <Fragment key={`${left?.old ?? ""}:${right?.new ?? ""}`}>
        <tr>
          <td
            className={classes(
              GUTTER,
              left ? !isLeftIn && GUTTERS[left.kind] : NOTHING,
              isLeftIn && "bg-waiting-soft",
            )}
          >
            {left?.old != null && (
              <LineButton {...props} side="old" line={left.old} isQuiet={left.kind === "same"} />
            )}
          </td>
          <Code
            line={left}
            isIn={isLeftIn}
            tokens={left?.old != null ? coloured?.old.get(left.old) : undefined}
          />
          <td
            className={classes(
              GUTTER,
              "border-l",
              right ? !isRightIn && GUTTERS[right.kind] : NOTHING,
              isRightIn && "bg-waiting-soft",
            )}
          >
            {right?.new != null && <LineButton {...props} side="new" line={right.new} />}
          </td>
          <Code
            line={right}
            isIn={isRightIn}
            tokens={right?.new != null ? coloured?.new.get(right.new) : undefined}
          />
        </tr>
        {(isEnd(props.anchor, "old", left?.old ?? null) ||
          isEnd(props.anchor, "new", right?.new ?? null)) && <CommentRow {...props} columns={4} />}
      </Fragment>
    );
  });
}

const GUTTER = "p-0 align-top text-right text-ink-3 select-none";
const GUTTERS = { added: "bg-added-soft", removed: "bg-removed-soft", same: "" };
const CODES = { added: "bg-added-soft/70", removed: "bg-removed-soft/70", same: "" };
const SIGNS = { added: "+", removed: "−", same: "" };
const SIGN_TONES = { added: "text-added", removed: "text-removed", same: "" };
const NOTHING = "bg-sunken/40";

function Code({
  line,
  isIn,
  tokens,
}: {
  line: ShownLine | null;
  isIn: boolean;
  tokens: Parameters<typeof CodeLine>[0]["tokens"];
}) {
  if (line === null) return <td className={NOTHING} />;
  return (
    <td
      className={classes(
        "relative py-0 pr-2 pl-5 align-top [overflow-wrap:anywhere] break-words whitespace-pre-wrap",
        isIn ? "bg-waiting-soft" : CODES[line.kind],
      )}
    >
      <span className={classes("absolute left-1.5 select-none", SIGN_TONES[line.kind])} aria-hidden>
        {SIGNS[line.kind]}
      </span>
      {line.kind !== "same" && <span className="sr-only">{line.kind}: </span>}
      <CodeLine line={line} tokens={tokens} />
    </td>
  );
}

interface LineButtonProps extends Pick<Props, "onAnchor"> {
  side: Side;
  line: number;
  /** Its twin in the other column is the one that the keyboard goes to. */
  isQuiet?: boolean;
}

function LineButton({ onAnchor, side, line, isQuiet = false }: LineButtonProps) {
  return (
    <button
      type="button"
      tabIndex={-1}
      data-line={isQuiet ? undefined : ""}
      aria-label={`Comment on ${side === "old" ? "old " : ""}line ${line}`}
      title="Comment on this line; with Shift, up to this line"
      onClick={(event) => onAnchor(side, line, event.shiftKey)}
      className="h-5 w-full pr-1.5 text-right text-ink-3 hover:bg-accent hover:text-on-accent focus-visible:bg-accent focus-visible:text-on-accent focus-visible:outline-none"
    >
      {line}
    </button>
  );
}

function CommentRow({ columns, anchor, onComment, onCancel }: Props & { columns: number }) {
  if (anchor === null) return null;
  return (
    <tr>
      <td colSpan={columns} className="p-0 font-sans text-sm">
        <CommentBox anchor={anchor} onComment={onComment} onCancel={onCancel} />
      </td>
    </tr>
  );
}

function contains(anchor: Anchor | null, side: Side, line: number | null): boolean {
  return anchor !== null && line !== null && anchor.side === side && line >= anchor.from && line <= anchor.to;
}

function isEnd(anchor: Anchor | null, side: Side, line: number | null): boolean {
  return anchor !== null && anchor.side === side && line === anchor.to;
}

/** Arrow keys go from line to line, as a table of a thousand lines must not take a thousand tabs to leave. */
function moveAlong(event: KeyboardEvent<HTMLTableElement>): void {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (step === 0 || !(event.target instanceof HTMLButtonElement)) return;
  const buttons = [...event.currentTarget.querySelectorAll<HTMLButtonElement>("button[data-line]")].filter(
    (button) => button.offsetParent !== null,
  );
  const next = buttons[buttons.indexOf(event.target) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
