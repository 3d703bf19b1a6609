import { ChevronRight, LoaderCircle } from "lucide-react";
import { memo } from "react";

import { classes } from "@/ui/classes";
import { durationOf, instantOf } from "@/ui/format";

import { useUnfolded } from "../folding";
import type { MarkItem, RetryItem, StepsItem } from "../items";
import { type Mark, markOf } from "../marks";

const TONES: Record<Mark["tone"], string> = {
  quiet: "text-ink-3",
  paused: "text-paused",
  good: "text-idle",
  warning: "text-waiting",
  bad: "text-errored",
};

/** A line across the conversation. */
export const MarkView = memo(function MarkView({ item }: { item: MarkItem }) {
  const mark = markOf(item.event);
  return (
    <div className={classes("flex items-center gap-3 py-2 text-xs", TONES[mark.tone])}>
      <span className="h-px flex-1 bg-line" />
      <span className="max-w-[80%] text-center text-pretty">
        {mark.link === undefined ? (
          mark.text
        ) : (
          <a href={mark.link} className="underline underline-offset-3" target="_blank" rel="noreferrer">
            {mark.text}
          </a>
        )}
        {mark.hasTime && <time dateTime={item.at}> · {instantOf(item.at)}</time>}
      </span>
      <span className="h-px flex-1 bg-line" />
    </div>
  );
});

/** The model is busy or failing: somebody waits and asks again. */
export const RetryView = memo(function RetryView({ item }: { item: RetryItem }) {
  const { event, isWaiting } = item;
  const why = event.reason ?? (event.status === null ? "no answer" : `status ${event.status}`);
  return (
    <p
      className={classes("flex items-center gap-2 py-1.5", isWaiting ? "text-waiting" : "text-xs text-ink-3")}
    >
      {isWaiting && <LoaderCircle className="size-4 animate-spin" aria-hidden />}
      {isWaiting
        ? `The model does not answer (${why}). Try ${event.attempt} in ${durationOf(event.delay_s)}.`
        : `The model was asked ${event.attempt + 1} times (${why}).`}
    </p>
  );
});

/** What a start or resume did, step by step; folded to how long it took. */
export const StepsView = memo(function StepsView({ item }: { item: StepsItem }) {
  const [isUnfolded, setUnfolded] = useUnfolded(item.key, false);
  const total = item.steps.reduce((sum, step) => sum + step.seconds, 0);
  return (
    <div className="py-1">
      <button
        type="button"
        aria-expanded={isUnfolded}
        onClick={() => setUnfolded(!isUnfolded)}
        className="flex items-center gap-1.5 text-xs text-ink-3 hover:text-ink-2"
      >
        <ChevronRight
          aria-hidden
          className={classes("size-3.5 transition-transform", isUnfolded && "rotate-90")}
        />
        {item.steps.length} {item.steps.length === 1 ? "step" : "steps"} in {durationOf(total)}
      </button>
      {isUnfolded && (
        <dl className="mt-1 ml-1.5 grid grid-cols-[auto_auto_1fr] gap-x-4 border-l-2 pl-4 text-xs leading-5 text-ink-2">
          {item.steps.map((step, index) => (
            <div key={index} className="contents">
              <dt>{step.step}</dt>
              <dd className="text-right">{durationOf(step.seconds)}</dd>
              <dd className="truncate text-ink-3">{step.detail}</dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  );
});
