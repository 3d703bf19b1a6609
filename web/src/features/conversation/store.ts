/** Conversations as they are on the screen, kept for a while so that going back to a session takes no time. */
import { useEffect, useSyncExternalStore } from "react";

import { streamOf, forgetStream } from "@/features/session/live";
import type { Connection } from "@/features/session/stream";

import { Transcript, type View } from "./transcript";

export interface Conversation extends View {
  connection: Connection;
}

/** So many events are kept in all, the longest unused conversations going first. */
const KEPT_EVENTS = 60_000;

class Kept {
  private readonly transcript = new Transcript();
  private readonly listeners = new Set<() => void>();
  private shown: Conversation;
  readonly stream;

  constructor(session: string) {
    this.stream = streamOf(session);
    this.shown = { ...this.transcript.view(), connection: this.stream.connection };
    this.stream.listen((frames) => {
      this.transcript.take(frames);
      this.tell();
    });
    this.stream.onConnection(() => this.tell());
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly read = (): Conversation => this.shown;

  /** Number of events that it holds. */
  get size(): number {
    return this.stream.newest;
  }

  get isShown(): boolean {
    return this.listeners.size > 0;
  }

  private tell(): void {
    this.shown = { ...this.transcript.view(), connection: this.stream.connection };
    for (const listener of this.listeners) listener();
  }
}

const kept = new Map<string, Kept>();

/** Returns a session's conversation, live for as long as it is shown. */
export function useConversation(session: string): Conversation {
  const conversation = conversationOf(session);
  useEffect(() => conversation.stream.watch(), [conversation]);
  return useSyncExternalStore(conversation.subscribe, conversation.read);
}

/** Returns a session's conversation as far as it is read; watch its stream to have it go on. */
export function conversationOf(session: string): Kept {
  const known = kept.get(session) ?? new Kept(session);
  // The order is that of use, so the first one is the longest unused.
  kept.delete(session);
  kept.set(session, known);
  let events = [...kept.values()].reduce((sum, each) => sum + each.size, 0);
  for (const [id, conversation] of kept) {
    if (events <= KEPT_EVENTS) break;
    if (conversation.isShown || id === session) continue;
    events -= conversation.size;
    kept.delete(id);
    forgetStream(id);
  }
  return known;
}
