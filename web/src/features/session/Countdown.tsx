import type { SessionBody } from "@/api/types";
import { useNow } from "@/ui/clock";
import { countdownOf } from "@/ui/format";
import { Tooltip } from "@/ui/Tooltip";
import { tellError } from "@/ui/toasts";

import { actionsFor, labelOf } from "./label";
import { useSessionMoves } from "./queries";
import { whyItWillPause } from "./reasons";

/** How much longer one click keeps it awake. */
export const HOUR_MS = 3_600_000;

/** How long until the session is paused, why, and a way to put that off. The deadline is the server's. */
export function Countdown({ session }: { session: SessionBody }) {
  const { keepAwake } = useSessionMoves(session.id);
  const now = useNow();
  if (session.pause_at === null || !actionsFor(labelOf(session)).includes("keep-awake")) return null;
  const left = (Date.parse(session.pause_at) - now) / 1_000;
  return (
    <Tooltip
      text={`Pauses with all its memory, ${whyItWillPause(session.pause_reason ?? "quiet")}. Click: awake for an hour.`}
    >
      <button
        type="button"
        disabled={keepAwake.isPending}
        onClick={() => keepAwake.mutate(HOUR_MS, { onError: tellError })}
        className="shrink-0 underline decoration-dotted underline-offset-3 hover:text-ink"
      >
        pauses in {countdownOf(left)}
        <span className="sr-only">. Keep awake for an hour</span>
      </button>
    </Tooltip>
  );
}
