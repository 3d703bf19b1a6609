import { describe, expect, it } from "vitest";

import { ageOf, agoOf, bytesOf, countdownOf, countOf, durationOf, moneyOf } from "./format";

describe("amounts", () => {
  it("are bytes in the unit that fits", () => {
    expect([0, 1023, 1536, 4 * 2 ** 30, 250 * 2 ** 20].map(bytesOf)).toEqual([
      "0 B",
      "1023 B",
      "1.5 KB",
      "4 GB",
      "250 MB",
    ]);
  });

  it("are durations without empty parts", () => {
    expect([0.25, 9.96, 12.4, 60, 65, 7380].map(durationOf)).toEqual([
      "0.3 s",
      "10 s",
      "12 s",
      "1 min",
      "1 min 5 s",
      "2 h 3 min",
    ]);
  });

  it("are counts and money, short but never nothing where there is something", () => {
    expect(countOf(1_234_567)).toBe("1.2M");
    expect([0, 0.004, 12.5].map(moneyOf)).toEqual(["$0.00", "$0.004", "$12.50"]);
  });

  it("are times past", () => {
    const minute = 60_000;
    expect([0, 5, 130, 1500, 5000].map((ago) => agoOf(0, ago * minute))).toEqual([
      "just now",
      "5 min ago",
      "2 h ago",
      "yesterday",
      "3 days ago",
    ]);
  });

  it("are ages in a list", () => {
    const minute = 60_000;
    expect([0, 5, 130, 1500].map((age) => ageOf(0, age * minute))).toEqual(["now", "5 min", "2 h", "1 d"]);
  });

  it("are what is left, as a clock shows it", () => {
    expect([-1, 0, 9, 60, 870, 3661].map(countdownOf)).toEqual([
      "0:00",
      "0:00",
      "0:09",
      "1:00",
      "14:30",
      "1:01:01",
    ]);
  });
});
