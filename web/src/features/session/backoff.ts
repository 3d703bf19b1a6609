/** How long to wait before a lost connection is tried again. */

const FIRST_MS = 250;
const LONGEST_MS = 15_000;

/**
 * Returns milliseconds to wait after so many failures in a row: doubling, with half of it left to chance, so that many
 * pages do not come back in the same moment when a server does.
 */
export function backoffMs(failures: number, random: number): number {
  const whole = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.max(0, failures - 1));
  return whole / 2 + (random * whole) / 2;
}
