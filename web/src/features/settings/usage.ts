/** What was used, as numbers for a chart. Pure. */
import type { UsageDayBody, UsageSeriesBody } from "@/api/types";

export const MEASURES = ["units", "tokens", "cost"] as const;
export type Measure = (typeof MEASURES)[number];

/** Returns how much of something a day used. */
export function amountOf(day: UsageDayBody, measure: Measure): number {
  switch (measure) {
    case "units":
      return day.compute_units;
    case "tokens":
      return day.input_tokens + day.output_tokens + day.cache_read_tokens + day.cache_write_tokens;
    case "cost":
      return day.cost_usd;
  }
}

export function sumOf(series: Pick<UsageSeriesBody, "days">, measure: Measure): number {
  return series.days.reduce((sum, day) => sum + amountOf(day, measure), 0);
}

/** Returns a round number at or above the greatest: the top of a scale that is easy to read. */
export function topOf(greatest: number): number {
  if (greatest <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(greatest));
  const step = [1, 2, 2.5, 5, 10].find((one) => one * power >= greatest) ?? 10;
  return step * power;
}

/** Returns those that used most first; those that used none of it are left out. */
export function byAmount(
  all: readonly UsageSeriesBody[],
  measure: Measure,
): { series: UsageSeriesBody; sum: number }[] {
  return all
    .map((series) => ({ series, sum: sumOf(series, measure) }))
    .filter(({ sum }) => sum > 0)
    .sort((one, other) => other.sum - one.sum);
}
