/** What was begun to be written in each session, kept by the browser until it is sent. */
import { useSyncExternalStore } from "react";

const PREFIX = "lot:draft:";
const listeners = new Set<() => void>();

export function readDraft(session: string): string {
  return localStorage.getItem(PREFIX + session) ?? "";
}

export function writeDraft(session: string, text: string): void {
  if (text === "") localStorage.removeItem(PREFIX + session);
  else localStorage.setItem(PREFIX + session, text);
  for (const listener of listeners) listener();
}

/** Puts text below what is written already; other panels use it to say something to the agent. */
export function appendToDraft(session: string, text: string): void {
  const before = readDraft(session).trimEnd();
  writeDraft(session, before === "" ? text : `${before}\n\n${text}`);
}

export function useDraft(session: string): string {
  return useSyncExternalStore(subscribe, () => readDraft(session));
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  // Another tab may write, too.
  window.addEventListener("storage", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("storage", listener);
  };
}
