/** Noting what a session's user has seen, so that it is no longer marked as unread: here and on their other devices. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";

import { api, read } from "@/api/client";
import { keys } from "@/api/keys";
import type { SessionBody } from "@/api/types";

import { isUnread } from "./attention";

/** Notes everything that comes as seen, while the page is really looked at. */
export function useSeeing(session: SessionBody): void {
  const queries = useQueryClient();
  const isLookedAt = useSyncExternalStore(subscribe, () => document.visibilityState === "visible");
  const { id, last_event: event } = session;
  const isNew = isUnread(session) && isLookedAt;
  useEffect(() => {
    if (!isNew) return;
    const call = api.POST("/api/sessions/{session}/seen", {
      params: { path: { session: id } },
      body: { event },
    });
    read(call).then(
      (body) => {
        queries.setQueryData(keys.session(id), body);
        queries.setQueryData<SessionBody[]>(keys.sessions, (all) =>
          all?.map((each) => (each.id === id ? body : each)),
        );
      },
      // It stays unread, and is noted with what comes next.
      () => undefined,
    );
  }, [queries, id, event, isNew]);
}

function subscribe(listener: () => void): () => void {
  document.addEventListener("visibilitychange", listener);
  return () => document.removeEventListener("visibilitychange", listener);
}
