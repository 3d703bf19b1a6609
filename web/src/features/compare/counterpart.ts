/** What a session is compared with. Pure. */
import type { SessionBody } from "@/api/types";

type Kin = Pick<SessionBody, "id" | "parent_id" | "created_at">;

/**
 * Returns the session that another is best compared with: the one it was forked from, else its newest fork, else
 * the newest other fork of the same; null where there is none.
 */
export function counterpartOf<T extends Kin>(session: Kin, all: readonly T[]): T | null {
  const others = all
    .filter((one) => one.id !== session.id)
    .sort((one, other) => other.created_at.localeCompare(one.created_at));
  const parent = session.parent_id;
  return (
    others.find((one) => one.id === parent) ??
    others.find((one) => one.parent_id === session.id) ??
    others.find((one) => parent !== null && one.parent_id === parent) ??
    null
  );
}
