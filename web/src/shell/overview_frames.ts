/** What the stream of everything tells, put into what the page has read. */
import type { QueryClient } from "@tanstack/react-query";

import { keys } from "@/api/keys";
import type { OverviewFrame } from "@/api/types";

/** Puts what a frame tells into what the page shows; fields that this page does not know are skipped. */
export function takeFrame(queries: QueryClient, frame: OverviewFrame): void {
  if (frame.resync || frame.snapshot) void queries.invalidateQueries({ queryKey: keys.projects });
  if (frame.resync) void queries.invalidateQueries({ queryKey: keys.sessions });
  if (frame.session) {
    queries.setQueryData(keys.session(frame.session.id), frame.session);
    put(queries, keys.sessions, frame.session);
  }
  if (frame.project) put(queries, keys.projects, frame.project);
  if (frame.session_deleted !== undefined) {
    drop(queries, keys.sessions, frame.session_deleted);
    void queries.invalidateQueries({ queryKey: keys.session(frame.session_deleted) });
  }
  if (frame.project_deleted !== undefined) drop(queries, keys.projects, frame.project_deleted);
}

function put(queries: QueryClient, key: readonly string[], thing: { id: string }): void {
  queries.setQueryData<{ id: string }[]>(key, (listed) => {
    if (listed === undefined) return undefined;
    const isKnown = listed.some((each) => each.id === thing.id);
    return isKnown ? listed.map((each) => (each.id === thing.id ? thing : each)) : [...listed, thing];
  });
}

function drop(queries: QueryClient, key: readonly string[], id: string): void {
  queries.setQueryData<{ id: string }[]>(key, (listed) => listed?.filter((each) => each.id !== id));
}
