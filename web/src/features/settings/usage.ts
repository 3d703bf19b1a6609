/** What was used, as numbers for a chart. Pure. */

export interface UsageDay {
  day: string;
  seconds_on: number;
  compute_units: number;
  input_tokens: number;
  output_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  cost_usd: number;
}

export interface UsageSeries {
  id: string | null;
  name: string | null;
  days: UsageDay[];
}

export interface UsageOverTime {
  total: UsageSeries;
  projects: UsageSeries[];
  sessions: UsageSeries[];
}

export interface DiskUse {
  free_bytes: number;
  total_bytes: number;
  disks_bytes: number;
  memory_bytes: number;
  repositories_bytes: number;
  logs_bytes: number;
  database_bytes: number;
  base_images_bytes: number;
}

export const MEASURES = ["units", "tokens", "cost"] as const;
export type Measure = (typeof MEASURES)[number];

/** Returns how much of something a day used. */
export function amountOf(day: UsageDay, measure: Measure): number {
  switch (measure) {
    case "units":
      return day.compute_units;
    case "tokens":
      return day.input_tokens + day.output_tokens + day.cache_read_tokens + day.cache_write_tokens;
    case "cost":
      return day.cost_usd;
  }
}

export function sumOf(series: Pick<UsageSeries, "days">, measure: Measure): number {
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
  all: readonly UsageSeries[],
  measure: Measure,
): { series: UsageSeries; sum: number }[] {
  return all
    .map((series) => ({ series, sum: sumOf(series, measure) }))
    .filter(({ sum }) => sum > 0)
    .sort((one, other) => other.sum - one.sum);
}
