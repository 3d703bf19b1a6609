/** Whether this browser tells of sessions: what it may, and what its user wants. Pure. */

export type NoticeState = "unsupported" | "denied" | "ask" | "on" | "off";

/**
 * Returns how it stands with notices.
 *
 * @param permission What the browser allows; null: it has no notices.
 * @param isWanted What the switch of this browser says.
 */
export function noticeState(permission: NotificationPermission | null, isWanted: boolean): NoticeState {
  if (permission === null) return "unsupported";
  if (permission === "denied") return "denied";
  if (permission === "default") return "ask";
  return isWanted ? "on" : "off";
}
