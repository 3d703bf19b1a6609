/** Messages on their way: shown at once, sent with an id of their own so that trying again never doubles them. */
import { useSyncExternalStore } from "react";

import { api } from "@/api/client";
import type { NewAttachment, NewMessage } from "@/api/types";
import { newId } from "@/ui/ids";

export interface Outgoing {
  message: NewMessage;
  /** Why it could not be sent; null while it is on its way. */
  failure: string | null;
}

const NONE: readonly Outgoing[] = [];
const boxes = new Map<string, readonly Outgoing[]>();
const listeners = new Set<() => void>();

/** Returns what was sent from here and is not in the transcript yet. */
export function useOutbox(session: string, arrived: ReadonlySet<string>): readonly Outgoing[] {
  const box = useSyncExternalStore(subscribe, () => boxes.get(session) ?? NONE);
  return box.filter((one) => !arrived.has(one.message.id));
}

export function send(session: string, text: string, attachments: NewAttachment[]): void {
  const message: NewMessage = { id: newId(), text, attachments };
  put(session, (box) => [...box, { message, failure: null }]);
  void post(session, message);
}

export function sendAgain(session: string, id: string): void {
  const outgoing = boxes.get(session)?.find((one) => one.message.id === id);
  if (outgoing === undefined) return;
  setFailure(session, id, null);
  void post(session, outgoing.message);
}

export function takeBack(session: string, id: string): void {
  put(session, (box) => box.filter((one) => one.message.id !== id));
}

/** How long a sent message is kept here for a transcript that does not come. */
const KEPT_MS = 60_000;

async function post(session: string, message: NewMessage): Promise<void> {
  try {
    await api.POST("/api/sessions/{session}/messages", { params: { path: { session } }, body: message });
    setTimeout(() => takeBack(session, message.id), KEPT_MS);
  } catch (error) {
    setFailure(session, message.id, error instanceof Error ? error.message : String(error));
  }
}

function setFailure(session: string, id: string, failure: string | null): void {
  put(session, (box) => box.map((one) => (one.message.id === id ? { ...one, failure } : one)));
}

function put(session: string, change: (box: readonly Outgoing[]) => readonly Outgoing[]): void {
  boxes.set(session, change(boxes.get(session) ?? NONE));
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
