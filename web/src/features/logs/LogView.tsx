import { ArrowDown } from "lucide-react";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { VList, type VListHandle } from "virtua";

import { Button } from "@/ui/Button";

import type { LogLine } from "./log_lines";
import { LogLineView } from "./LogLineView";
import type { Match } from "./search";

interface Props {
  lines: readonly LogLine[];
  isWrapped: boolean;
  matches: readonly Match[];
  /** Place of the match that is gone to. */
  current: number;
  label: string;
}

const NO_MATCHES: { from: number; to: number; isCurrent: boolean }[] = [];
const NEAR_PX = 24;

/** Lines, of which the newest is followed until one scrolls up. */
export function LogView({ lines, isWrapped, matches, current, label }: Props) {
  const list = useRef<VListHandle>(null);
  const [isFollowing, setIsFollowing] = useState(true);
  const byLine = useMemo(() => {
    const found = new Map<number, { from: number; to: number; isCurrent: boolean }[]>();
    for (const [place, { line, from, to }] of matches.entries()) {
      const ofLine = found.get(line) ?? [];
      ofLine.push({ from, to, isCurrent: place === current });
      found.set(line, ofLine);
    }
    return found;
  }, [matches, current]);

  const last = lines.length - 1;
  useLayoutEffect(() => {
    if (isFollowing && last >= 0) list.current?.scrollToIndex(last, { align: "end" });
  }, [last, lines, isFollowing, isWrapped]);

  const target = matches[current]?.line;
  useEffect(() => {
    if (target !== undefined) list.current?.scrollToIndex(target, { align: "center" });
  }, [target, current]);

  const onScroll = (offset: number) => {
    const handle = list.current;
    if (handle) setIsFollowing(offset >= handle.scrollSize - handle.viewportSize - NEAR_PX);
  };

  return (
    <div className="lot-log relative min-h-0 flex-1 font-mono text-xs">
      <VList
        ref={list}
        role="log"
        aria-label={label}
        aria-live="off"
        tabIndex={0}
        onScroll={onScroll}
        className="py-2 focus-visible:-outline-offset-2"
        style={{ overflowX: isWrapped ? "hidden" : "auto" }}
      >
        {lines.map((line, place) => (
          <LogLineView
            key={line.id}
            line={line}
            isWrapped={isWrapped}
            matches={byLine.get(place) ?? NO_MATCHES}
          />
        ))}
      </VList>
      {!isFollowing && (
        <Button
          size="small"
          className="absolute right-4 bottom-3 font-sans shadow-float"
          onClick={() => {
            setIsFollowing(true);
            list.current?.scrollToIndex(last, { align: "end" });
          }}
        >
          <ArrowDown /> Newest
        </Button>
      )}
    </div>
  );
}
