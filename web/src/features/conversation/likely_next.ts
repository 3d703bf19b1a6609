/** Which sessions a user is likely to go to next: pure. */
import type { SessionBody } from "@/api/types";

/** So many events are read ahead in all, and never more than that of one session. */
export const AHEAD_EVENTS = 20_000;

export type Readable = Pick<SessionBody, "id" | "events" | "changed_at">;

/** Returns which sessions to read ahead, one after the other: those that changed last, as far as the events go. */
export function chooseAhead(sessions: readonly Readable[], events = AHEAD_EVENTS): Readable[] {
  let left = events;
  return [...sessions]
    .sort((one, other) => other.changed_at.localeCompare(one.changed_at))
    .filter((session) => {
      if (session.events > left) return false;
      left -= session.events;
      return true;
    });
}
