import { describe, expect, it } from "vitest";

import { clockOf, secondsUntil } from "./clock";

describe("a wait", () => {
  it("is counted in whole seconds, rounded up so that 0 means over", () => {
    expect(secondsUntil(10_001, 9_000)).toBe(2);
    expect(secondsUntil(10_000, 10_000)).toBe(0);
    expect(secondsUntil(10_000, 99_000)).toBe(0);
  });

  it("is shown as a clock", () => {
    expect([0, 9, 60, 870].map(clockOf)).toEqual(["0:00", "0:09", "1:00", "14:30"]);
  });
});
