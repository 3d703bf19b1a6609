const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});

/** Returns when a diff was taken, in words: the time of today, else the day as well. */
export function whenTaken(takenAt: string, now: Date): string {
  const at = new Date(takenAt);
  return (at.toDateString() === now.toDateString() ? TIME : DAY).format(at);
}
