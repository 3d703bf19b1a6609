import { memo } from "react";

import { classes } from "@/ui/classes";
import { Coloured } from "@/ui/Coloured";

import type { LogLine } from "./log_lines";

interface Props {
  line: LogLine;
  isWrapped: boolean;
  /** Stretches of its text that were searched for. */
  matches: readonly { from: number; to: number; isCurrent: boolean }[];
}

export const LogLineView = memo(function LogLineView({ line, isWrapped, matches }: Props) {
  const isNote = line.spans.length === 0 && line.text !== "";
  return (
    <div
      className={classes(
        "min-h-5 px-3 leading-5",
        isWrapped ? "[overflow-wrap:anywhere] break-words whitespace-pre-wrap" : "w-max whitespace-pre",
        isNote && "text-ink-3",
      )}
    >
      {matches.length > 0 ? (
        <Marked text={line.text} matches={matches} />
      ) : isNote ? (
        line.text
      ) : (
        <Coloured spans={line.spans} />
      )}
    </div>
  );
});

function Marked({ text, matches }: { text: string; matches: Props["matches"] }) {
  const pieces = [];
  let at = 0;
  for (const match of matches) {
    if (match.from > at) pieces.push(text.slice(at, match.from));
    pieces.push(
      <mark
        key={match.from}
        className={classes(
          "rounded-xs",
          match.isCurrent ? "bg-waiting text-surface" : "bg-waiting-soft text-ink",
        )}
      >
        {text.slice(match.from, match.to)}
      </mark>,
    );
    at = match.to;
  }
  pieces.push(text.slice(at));
  return <>{pieces}</>;
}
