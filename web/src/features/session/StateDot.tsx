import { classes } from "@/ui/classes";

import type { SessionLabel } from "./label";

const COLOURS: Record<SessionLabel, string> = {
  Starting: "bg-running animate-breathe",
  Running: "bg-running animate-breathe",
  Idle: "bg-idle",
  "Waiting for user": "bg-waiting ring-3 ring-waiting/25",
  Errored: "bg-errored",
  Pausing: "border-2 border-paused animate-breathe",
  Paused: "border-2 border-paused",
  Resuming: "bg-running animate-breathe",
};

/** A session's state as a dot; always beside the word, which is what is read out. */
export function StateDot({ label, className }: { label: SessionLabel; className?: string }) {
  return <span aria-hidden className={classes("size-2 shrink-0 rounded-full", COLOURS[label], className)} />;
}
