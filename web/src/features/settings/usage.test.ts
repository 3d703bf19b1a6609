import { describe, expect, it } from "vitest";

import type { UsageDayBody, UsageSeriesBody } from "@/api/types";

import { amountOf, byAmount, sumOf, topOf } from "./usage";

function day(of: Partial<UsageDayBody>): UsageDayBody {
  return {
    day: "2026-01-01",
    seconds_on: 0,
    compute_units: 0,
    input_tokens: 0,
    output_tokens: 0,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
    cost_usd: 0,
    ...of,
  };
}

function series(id: string, ...days: Partial<UsageDayBody>[]): UsageSeriesBody {
  return { id, name: id, days: days.map(day) };
}

describe("usage", () => {
  it("counts every kind of token", () => {
    const used = day({
      input_tokens: 1,
      output_tokens: 20,
      cache_read_tokens: 300,
      cache_write_tokens: 4000,
    });
    expect(amountOf(used, "tokens")).toBe(4321);
  });

  it("is summed over days", () => {
    expect(sumOf(series("a", { compute_units: 2 }, { compute_units: 0.5 }), "units")).toBe(2.5);
  });

  it("is ordered by amount, without those that used nothing", () => {
    const all = [series("a", { cost_usd: 1 }), series("b"), series("c", { cost_usd: 3 })];
    expect(byAmount(all, "cost").map((one) => one.series.id)).toEqual(["c", "a"]);
  });

  it.each([
    [0, 1],
    [0.03, 0.05],
    [7, 10],
    [10, 10],
    [21, 25],
    [1234, 2000],
  ])("up to %d fits below %d", (greatest, top) => {
    expect(topOf(greatest)).toBeCloseTo(top);
  });
});
