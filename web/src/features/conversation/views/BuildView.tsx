import { Check, LoaderCircle, X } from "lucide-react";
import { memo } from "react";

import type { BuildItem } from "../items";
import { CommandOutput } from "./CommandOutput";

const WORDS = {
  building: "Proving the set-up",
  ready: "The set-up is proved",
  failed: "The set-up did not work",
};

/** A build of the project's snapshot, as its setup session sees it. */
export const BuildView = memo(function BuildView({ item }: { item: BuildItem }) {
  return (
    <section
      aria-label={`Build ${item.generation}`}
      className="my-2 flex flex-col gap-2 rounded-xl border bg-surface p-4"
    >
      <p className="flex items-center gap-2 font-semibold">
        {item.status === "building" && (
          <LoaderCircle className="size-4 animate-spin text-running" aria-hidden />
        )}
        {item.status === "ready" && <Check className="size-4 text-idle" aria-hidden />}
        {item.status === "failed" && <X className="size-4 text-errored" aria-hidden />}
        {WORDS[item.status]}
        <span className="ml-auto text-xs font-normal text-ink-3">build {item.generation}</span>
      </p>
      <p className="break-words text-ink-2">{item.detail}</p>
      {item.log !== "" && item.status !== "ready" && (
        <CommandOutput output={item.log} isLive={item.status === "building"} label="The build's log" />
      )}
    </section>
  );
});
