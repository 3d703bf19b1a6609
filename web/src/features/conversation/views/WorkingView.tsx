import type { SessionBody } from "@/api/types";
import { labelOf } from "@/features/session/label";

import type { Conversation } from "../store";
import { Elapsed } from "./ToolStatus";

/** At the end of the conversation: that the agent works, and for how long. Always as high, so that nothing moves. */
export function WorkingView({ session, conversation }: { session: SessionBody; conversation: Conversation }) {
  const isWorking = labelOf(session) === "Running" && conversation.workingSince !== null;
  return (
    <div role="status" className="flex h-10 items-center gap-2 text-xs text-ink-3">
      {isWorking && conversation.workingSince !== null && (
        <>
          <span aria-hidden className="size-2 animate-breathe rounded-full bg-running" />
          Working
          <span aria-hidden>
            <Elapsed since={conversation.workingSince} />
          </span>
        </>
      )}
    </div>
  );
}
