/** Sizes, durations and counts as a person reads them. */

const UNITS = ["B", "KB", "MB", "GB", "TB"] as const;

/** Returns bytes in the largest unit that leaves a number of one or more: `1.5 GB`. Steps of 1024. */
export function bytesOf(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 10 && unit > 0 ? Number(value.toFixed(1)) : Math.round(value)} ${UNITS[unit] ?? "B"}`;
}

/** Returns seconds as `4.2 s`, `1 min 5 s`, `2 h 3 min`. */
export function durationOf(seconds: number): string {
  if (seconds < 10) return `${Number(seconds.toFixed(1))} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min${whole % 60 > 0 ? ` ${whole % 60} s` : ""}`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h${minutes % 60 > 0 ? ` ${minutes % 60} min` : ""}`;
}

const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** Returns a count of tokens or compute units, short: `1.2M`. */
export function countOf(count: number): string {
  return COMPACT.format(count);
}

/** Returns money with two digits, or as many as a small sum needs. */
export function moneyOf(usd: number): string {
  return `$${usd > 0 && usd < 0.01 ? usd.toPrecision(1) : usd.toFixed(2)}`;
}

/** Returns how long ago an instant was: `just now`, `5 min ago`, `3 days ago`. Both in milliseconds since 1970. */
export function agoOf(then: number, now: number): string {
  const minutes = Math.floor((now - then) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ago`;
  const days = Math.floor(hours / 24);
  return days === 1 ? "yesterday" : `${days} days ago`;
}
