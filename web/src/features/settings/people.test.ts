import { expect, it } from "vitest";

import { type ListedUser, reasonToKeep, waysIn } from "./people";

function user(name: string, changes: Partial<ListedUser> = {}): ListedUser {
  const at = "2026-01-02T03:04:05Z";
  const plain = { created_at: at, last_seen_at: at, has_password: true, providers: [], is_current: false };
  return { id: `id-${name}`, name, ...plain, ...changes };
}

it("names every way in", () => {
  expect(waysIn(user("ada"))).toBe("Signs in by password");
  expect(waysIn(user("ada", { providers: ["github"] }))).toBe("Signs in by password, github");
  expect(waysIn(user("ada", { has_password: false }))).toBe("Signs in by links alone");
});

it("keeps oneself and the only user", () => {
  const [you, other] = [user("ada", { is_current: true }), user("grace")];
  expect(reasonToKeep(you, [you, other])).toMatch(/another one/);
  expect(reasonToKeep(other, [you, other])).toBeNull();
  expect(reasonToKeep(other, [other])).toMatch(/only one/);
});
