import { ChevronRight } from "lucide-react";
import { memo } from "react";

import { classes } from "@/ui/classes";
import { CopyButton } from "@/ui/CopyButton";

import { useUnfolded } from "../folding";
import type { TextItem } from "../items";
import { Markdown } from "./Markdown";

/** What the agent says. */
export const TextView = memo(function TextView({ item }: { item: TextItem }) {
  return (
    <article aria-label="Agent" className="group relative py-2 text-[0.9375rem] leading-[1.6]">
      <Markdown text={item.text} isGrowing={item.isLive} />
      {!item.isLive && (
        <CopyButton
          text={item.text}
          label="Copy text"
          className="absolute -right-1 -bottom-1 bg-ground opacity-0 group-hover:opacity-100 focus-visible:opacity-100"
        />
      )}
    </article>
  );
});

/** What the agent thinks: its end while it is being thought, folded afterwards. */
export const ThoughtView = memo(function ThoughtView({ item }: { item: TextItem }) {
  const [isUnfolded, setUnfolded] = useUnfolded(item.key, false);
  return (
    <div className="py-1">
      <button
        type="button"
        aria-expanded={isUnfolded}
        onClick={() => setUnfolded(!isUnfolded)}
        className="flex w-full items-center gap-1.5 text-left text-ink-3 hover:text-ink-2"
      >
        <ChevronRight
          aria-hidden
          className={classes("size-3.5 shrink-0 transition-transform", isUnfolded && "rotate-90")}
        />
        <span className={classes("shrink-0", item.isLive && "animate-breathe")}>
          {item.isLive ? "Thinking" : "Thought"}
        </span>
        {!isUnfolded && <span className="truncate opacity-80">{lastLine(item)}</span>}
      </button>
      {isUnfolded && (
        <div className="mt-1.5 ml-1.5 border-l-2 pl-4 text-ink-2 italic">
          <Markdown text={item.text} isGrowing={item.isLive} />
        </div>
      )}
    </div>
  );
});

function lastLine(item: TextItem): string {
  const lines = item.text.trim().split("\n");
  return (item.isLive ? lines.at(-1) : lines[0]) ?? "";
}
