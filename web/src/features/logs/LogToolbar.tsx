import { ChevronDown, ChevronUp, Copy, Download, RotateCw, WrapText } from "lucide-react";

import type { SessionBody } from "@/api/types";
import { Input, Select } from "@/ui/fields";
import { IconButton } from "@/ui/IconButton";

import { logsOf } from "./processes";
import { MOST_MATCHES } from "./search";

interface Props {
  session: SessionBody;
  process: string;
  onChoose: (process: string) => void;
  words: string;
  onWords: (words: string) => void;
  matches: { count: number; current: number };
  onStep: (step: 1 | -1) => void;
  isWrapped: boolean;
  onWrap: () => void;
  onCopy: () => void;
  onDownload: () => void;
  /** Null: there is no dev server to restart while the sandbox is off. */
  onRestart: (() => void) | null;
  isRestarting: boolean;
}

export function LogToolbar(props: Props) {
  const { session, process, words, matches } = props;
  return (
    <div className="flex min-h-10 shrink-0 flex-wrap items-center gap-1 border-b px-1.5 py-1">
      <Select
        aria-label="Process"
        value={process}
        onChange={(event) => props.onChoose(event.target.value)}
        className="h-7 w-auto border-transparent bg-transparent pr-6 pl-1.5 font-medium"
      >
        {logsOf(session.processes).map((log) => (
          <option key={log.process} value={log.process}>
            {log.name}
          </option>
        ))}
      </Select>
      <search className="flex min-w-0 flex-1 items-center gap-1">
        <Input
          type="search"
          aria-label="Search in the log"
          placeholder="Search"
          value={words}
          onChange={(event) => props.onWords(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") props.onStep(event.shiftKey ? 1 : -1);
            if (event.key === "Escape") props.onWords("");
          }}
          className="h-7 max-w-56 min-w-20"
        />
        {words !== "" && (
          <>
            <span role="status" className="shrink-0 px-1 text-xs text-ink-3">
              {countOf(matches)}
            </span>
            <IconButton label="Older match" size="small" onClick={() => props.onStep(-1)}>
              <ChevronUp />
            </IconButton>
            <IconButton label="Newer match" size="small" onClick={() => props.onStep(1)}>
              <ChevronDown />
            </IconButton>
          </>
        )}
      </search>
      <div className="flex">
        <IconButton label="Wrap long lines" aria-pressed={props.isWrapped} onClick={props.onWrap}>
          <WrapText />
        </IconButton>
        <IconButton label="Copy the log" onClick={props.onCopy}>
          <Copy />
        </IconButton>
        <IconButton label="Download the log" onClick={props.onDownload}>
          <Download />
        </IconButton>
        {props.onRestart && (
          <IconButton label="Restart the dev server" disabled={props.isRestarting} onClick={props.onRestart}>
            <RotateCw className={props.isRestarting ? "animate-spin" : ""} />
          </IconButton>
        )}
      </div>
    </div>
  );
}

function countOf({ count, current }: Props["matches"]): string {
  if (count === 0) return "No match";
  return `${current + 1} of ${count}${count === MOST_MATCHES ? "+" : ""}`;
}
