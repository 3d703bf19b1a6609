/** What is said of a user, and which of them can be removed. */
import type { components } from "@/api/schema";

export type ListedUser = components["schemas"]["ListedUserBody"];

/** How somebody signs in. */
export function waysIn(user: Pick<ListedUser, "has_password" | "providers">): string {
  const ways = [...(user.has_password ? ["password"] : []), ...user.providers];
  return ways.length > 0 ? `Signs in by ${ways.join(", ")}` : "Signs in by links alone";
}

/** Why somebody cannot be removed, as the server would refuse it; null where they can. */
export function reasonToKeep(user: ListedUser, users: readonly ListedUser[]): string | null {
  if (users.length === 1) return "The only one: not removed, as nobody could sign in";
  return user.is_current ? "Only another one can remove you" : null;
}
