/** Streams of sessions, one for each, kept while it is watched and for a while after; hooks that hear of events. */
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect, useEffectEvent } from "react";

import { keys } from "@/api/queries";
import type { SessionBody, SessionEvent } from "@/api/types";

import type { Frame } from "./frames";
import { SessionStream } from "./stream";

const streams = new Map<string, SessionStream>();

/** Returns the stream of a session; it connects once somebody watches. */
export function streamOf(session: string): SessionStream {
  let stream = streams.get(session);
  if (stream === undefined) {
    stream = new SessionStream(session);
    streams.set(session, stream);
  }
  return stream;
}

/** Lets go of a session's stream, whose events will then be read from the first again. */
export function forgetStream(session: string): void {
  streams.delete(session);
}

/** Calls `take` with every event of a session that comes from now on, those of the past included while they load. */
export function useSessionEvent(session: string, take: (event: SessionEvent, number: number) => void): void {
  const hear = useEffectEvent((frames: readonly Frame[]) => {
    for (const frame of frames) if (frame.type === "event") take(frame.event, frame.number);
  });
  useEffect(() => {
    const stream = streamOf(session);
    const stop = stream.listen((frames) => hear(frames));
    const unwatch = stream.watch();
    return () => {
      stop();
      unwatch();
    };
  }, [session]);
}

/** Keeps what the page has read of a session true: what an event touches is read anew, unless it was read after it. */
export function useFreshness(session: Pick<SessionBody, "id" | "project_id" | "events">): void {
  const queries = useQueryClient();
  const { id, project_id: project } = session;
  const numberRead = useEffectEvent(() => session.events);
  useEffect(() => {
    const known = numberRead();
    return streamOf(id).listen((frames) => {
      const news = frames.filter((frame) => frame.type !== "event" || frame.number > known);
      refresh(queries, id, project, news);
    });
  }, [queries, id, project]);
}

type Touched = "session" | "diff" | "ports" | "pull-request" | "environment";

function refresh(queries: QueryClient, session: string, project: string, frames: readonly Frame[]): void {
  const touched = new Set<Touched>();
  for (const frame of frames) for (const what of touchedBy(frame)) touched.add(what);
  for (const what of touched) {
    // The session's own key begins the others', which are told of by themselves.
    void queries.invalidateQueries({ queryKey: keyOf(what, session, project), exact: what === "session" });
  }
}

function keyOf(what: Touched, session: string, project: string): readonly string[] {
  switch (what) {
    case "session":
      return keys.session(session);
    case "diff":
      return keys.diff(session);
    case "ports":
      return keys.ports(session);
    case "pull-request":
      return keys.pullRequest(session);
    case "environment":
      return keys.environment(project);
  }
}

function touchedBy(frame: Frame): readonly Touched[] {
  if (frame.type === "changed")
    return frame.changed === "diff" || frame.changed === "ports" ? [frame.changed] : [];
  if (frame.type !== "event") return [];
  switch (frame.event.kind) {
    case "state_changed":
    case "settings_changed":
    case "message_added":
    case "message_delivered":
    case "ask_closed":
    case "ask_answered":
      return ["session"];
    case "turn_ended":
    case "turn_failed":
    case "came_back":
      return ["session", "diff"];
    case "tool_finished":
      return frame.event.path === null ? [] : ["diff"];
    case "pull_request_changed":
      return ["session", "pull-request", "diff"];
    case "environment_changed":
      return ["session", "environment"];
    case "dev_server_changed":
      return ["session", "ports"];
    default:
      return [];
  }
}
