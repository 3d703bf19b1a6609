import { describe, expect, it } from "vitest";

import { counterpartOf } from "./counterpart";

const session = (id: string, parent_id: string | null, created_at: string) => ({ id, parent_id, created_at });

describe("a session is compared with", () => {
  const origin = session("origin", null, "2026-01-01");
  const early = session("early", "origin", "2026-01-02");
  const late = session("late", "origin", "2026-01-03");
  const stranger = session("stranger", null, "2026-01-04");

  it("the one it was forked from", () => {
    expect(counterpartOf(early, [stranger, late, origin, early])?.id).toBe("origin");
  });

  it("its newest fork", () => {
    expect(counterpartOf(origin, [early, late, origin, stranger])?.id).toBe("late");
  });

  it("another fork, when the origin is gone", () => {
    expect(counterpartOf(early, [stranger, early, late])?.id).toBe("late");
  });

  it("nothing, when it has no kin", () => {
    expect(counterpartOf(stranger, [origin, early, stranger])).toBeNull();
  });
});
