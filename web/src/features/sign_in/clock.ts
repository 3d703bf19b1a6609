/** Waits as a person reads them. */

/** Returns whole seconds until an instant, never less than none. Both in milliseconds since 1970. */
export function secondsUntil(end: number, now: number): number {
  return Math.max(0, Math.ceil((end - now) / 1000));
}
