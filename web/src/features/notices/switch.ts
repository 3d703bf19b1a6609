/** The switch of this browser's notices. The browser is asked for its permission by a click alone, never on load. */
import { useCallback, useSyncExternalStore } from "react";

import { ensureWorker } from "@/features/push/browser_push";

import { noticeState, type NoticeState } from "./notice_state";

const KEY = "lot:notices";
const listeners = new Set<() => void>();

/** How it stands with notices now. Who shows them asks this first. */
export function readNoticeState(): NoticeState {
  const permission = "Notification" in window ? Notification.permission : null;
  return noticeState(permission, localStorage.getItem(KEY) !== "off");
}

export function useNoticeSwitch(): { state: NoticeState; change: (isWanted: boolean) => Promise<void> } {
  const state = useSyncExternalStore(subscribe, readNoticeState);
  const change = useCallback(async (isWanted: boolean) => {
    localStorage.setItem(KEY, isWanted ? "on" : "off");
    if (isWanted && readNoticeState() === "ask") await Notification.requestPermission();
    // Browsers of phones show notices by a service worker alone.
    if (readNoticeState() === "on") await ensureWorker().catch(() => null);
    for (const listener of listeners) listener();
  }, []);
  return { state, change };
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener("storage", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("storage", listener);
  };
}
