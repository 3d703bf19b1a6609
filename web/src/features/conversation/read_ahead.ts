/** Reading conversations before they are gone to, so that going there takes no time: first what is likely, never much. */
import { useEffect, useEffectEvent } from "react";

import { api, read } from "@/api/client";

import { AHEAD_EVENTS, chooseAhead, type Readable } from "./likely_next";
import { conversationOf } from "./store";

const PAGE_EVENTS = 1_000;

/** Reads what is not here yet of a session that its user may go to next. What fails is left to going there. */
export async function readAhead(session: Readable): Promise<void> {
  if (session.events > AHEAD_EVENTS) return;
  const { stream } = conversationOf(session.id);
  while (stream.newest < session.events) {
    const params = {
      path: { session: session.id },
      query: { after: stream.newest, limit: PAGE_EVENTS },
    };
    const call = api.GET("/api/sessions/{session}/events", { params, priority: "low" });
    const page = await read(call).catch(() => null);
    if (page === null || page.events.length === 0) return;
    stream.take(page.events.map(({ number, event }) => ({ type: "event", number, event })));
  }
}

/** Reads conversations of sessions ahead while the page has nothing else to do. */
export function useReadAhead(sessions: readonly Readable[] | undefined): void {
  const isRead = sessions !== undefined;
  const choose = useEffectEvent(() => chooseAhead(sessions ?? []));
  useEffect(() => {
    if (!isRead) return;
    let isOver = false;
    const readAll = async () => {
      for (const session of choose()) {
        await nothingElse();
        if (isOver) return;
        await readAhead(session);
      }
    };
    void readAll();
    return () => {
      isOver = true;
    };
  }, [isRead]);
}

function nothingElse(): Promise<void> {
  return new Promise((resolve) => {
    // Safari has no idle callbacks.
    if ("requestIdleCallback" in window) requestIdleCallback(() => resolve(), { timeout: 2_000 });
    else setTimeout(resolve, 100);
  });
}
