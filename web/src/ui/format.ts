/** Sizes, durations, counts, money and instants as people read them. */

const UNITS = ["B", "KB", "MB", "GB", "TB"] as const;
const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

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

/** Returns seconds as `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`. */
export function durationOf(seconds: number): string {
  if (seconds < 9.95) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return parts(Math.floor(whole / 60), "min", whole % 60, "s");
  const minutes = Math.round(whole / 60);
  return parts(Math.floor(minutes / 60), "h", minutes % 60, "min");
}

function parts(large: number, unit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smallUnit}`;
}

/** `4:59`, as a countdown; never below zero. */
export function countdownOf(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const hours = Math.floor(whole / 3600);
  const rest = `${String(Math.floor((whole % 3600) / 60)).padStart(hours ? 2 : 1, "0")}:${String(whole % 60).padStart(2, "0")}`;
  return hours ? `${hours}:${rest}` : rest;
}

/** Returns a count of tokens or compute units, short: `950`, `12.3K`, `1.2M`. */
export function countOf(count: number): string {
  return COMPACT.format(count);
}

/** Returns money with two digits, or as many as a small sum needs. */
export function moneyOf(usd: number): string {
  return `$${usd > 0 && usd < 0.01 ? usd.toPrecision(1) : usd.toFixed(2)}`;
}

/** The time of day, and the date unless it is today. */
export function instantOf(iso: string, now: Date = new Date()): string {
  const at = new Date(iso);
  const time = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  if (at.toDateString() === now.toDateString()) return time;
  return `${at.toLocaleDateString([], { day: "numeric", month: "short" })}, ${time}`;
}

/** Returns how long ago an instant was, short: `now`, `5 min`, `3 h`, `2 d`. Both in milliseconds since 1970. */
export function ageOf(then: number, now: number): string {
  const minutes = Math.floor((now - then) / 60_000);
  if (minutes < 1) return "now";
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 1_440) return `${Math.floor(minutes / 60)} h`;
  return `${Math.floor(minutes / 1_440)} d`;
}

/** Returns how long ago an instant was, in a sentence: `just now`, `5 min ago`, `3 days ago`. */
export function agoOf(then: number, now: number): string {
  const days = Math.floor((now - then) / 86_400_000);
  if (days > 0) return days === 1 ? "yesterday" : `${days} days ago`;
  const age = ageOf(then, now);
  return age === "now" ? "just now" : `${age} ago`;
}
