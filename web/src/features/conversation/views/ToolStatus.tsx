import { Check, CircleSlash, Hourglass, LoaderCircle, X } from "lucide-react";

import { useNow } from "@/ui/clock";
import { durationOf } from "@/ui/format";

import type { ToolItem } from "../items";

/** How far a call has come, and how long it took. */
export function ToolStatus({ item }: { item: ToolItem }) {
  return (
    <span className="ml-auto flex shrink-0 items-center gap-1.5 text-xs text-ink-3 [&_svg]:size-3.5">
      {item.ask?.state === "open" ? <Asking /> : <Progress item={item} />}
    </span>
  );
}

function Asking() {
  return (
    <span className="flex items-center gap-1.5 font-medium text-waiting">
      <Hourglass aria-hidden /> Asks you
    </span>
  );
}

function Progress({ item }: { item: ToolItem }) {
  switch (item.status) {
    case "preparing":
      return <LoaderCircle className="animate-spin" role="img" aria-label="In preparation" />;
    case "running":
      return (
        <>
          <Elapsed since={item.at} />
          <LoaderCircle className="animate-spin text-running" role="img" aria-label="Running" />
        </>
      );
    case "background":
      return (
        <>
          in the background
          <LoaderCircle className="animate-spin text-running" role="img" aria-label="Running" />
        </>
      );
    case "done":
      return (
        <>
          <Took item={item} />
          <Check className="text-idle" role="img" aria-label="Done" />
        </>
      );
    case "failed":
      return (
        <>
          <Took item={item} />
          <X className="text-errored" role="img" aria-label="Failed" />
        </>
      );
    case "interrupted":
      return (
        <>
          cut off
          <CircleSlash aria-hidden />
        </>
      );
  }
}

/** Said from half a second on: below it says nothing. */
function Took({ item }: { item: ToolItem }) {
  if (item.endedAt === null) return null;
  const seconds = (Date.parse(item.endedAt) - Date.parse(item.at)) / 1_000;
  return seconds < 0.5 ? null : <span>{durationOf(seconds)}</span>;
}

/** How long something takes already; said from two seconds on. */
export function Elapsed({ since }: { since: string }) {
  const seconds = Math.max(0, (useNow() - Date.parse(since)) / 1_000);
  return seconds < 2 ? null : <span>{durationOf(Math.floor(seconds))}</span>;
}
