import { describe, expect, it } from "vitest";

import { secondsUntil } from "./clock";

describe("a wait", () => {
  it("is counted in whole seconds, rounded up so that 0 means over", () => {
    expect(secondsUntil(10_001, 9_000)).toBe(2);
    expect(secondsUntil(10_000, 10_000)).toBe(0);
    expect(secondsUntil(10_000, 99_000)).toBe(0);
  });
});
