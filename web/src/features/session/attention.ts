/** Which sessions want to be looked at: pure, over what the server says of them. */
import type { ProjectBody, SessionBody } from "@/api/types";

import { labelOf } from "./label";

/** Whether it waits for an answer. */
export function needsYou(session: Pick<SessionBody, "open_asks" | "label">): boolean {
  return session.open_asks > 0 || labelOf(session) === "Waiting for user";
}

/** Whether something happened in it that its user wants to see, and has not. */
export function isUnread(session: Pick<SessionBody, "last_event" | "seen_event">): boolean {
  return session.last_event > session.seen_event;
}

/** What changed so that its user should hear of it; null where nothing did. */
export function newsOf(
  before: SessionBody | undefined,
  after: SessionBody,
): "waits" | "done" | "failed" | null {
  if (before === undefined) return null;
  if (!needsYou(before) && needsYou(after)) return "waits";
  if (before.agent !== "running" || after.agent === "running") return null;
  if (after.agent === "errored") return "failed";
  return after.agent === "idle" ? "done" : null;
}

/** Sessions as the sidebar lists them: by project, the newest first. */
export function sessionsOf(
  project: Pick<ProjectBody, "id">,
  sessions: readonly SessionBody[],
): SessionBody[] {
  return sessions
    .filter((session) => session.project_id === project.id)
    .sort((one, other) => other.created_at.localeCompare(one.created_at));
}

/** The session so many places further in the sidebar; null where there is none. */
export function neighbour(
  listed: readonly SessionBody[],
  current: string | undefined,
  step: 1 | -1,
): SessionBody | null {
  const place = listed.findIndex((session) => session.id === current);
  if (place === -1) return (step === 1 ? listed[0] : listed.at(-1)) ?? null;
  return listed[place + step] ?? null;
}
