/** What the label of a session lets one do: pure, so that a new label fails to compile here. */
import type { SessionBody } from "@/api/types";

/** As `SessionLabel` of the server's core. */
export const LABELS = [
  "Starting",
  "Running",
  "Idle",
  "Waiting for user",
  "Errored",
  "Pausing",
  "Paused",
  "Resuming",
] as const;
export type SessionLabel = (typeof LABELS)[number];

export type SessionAction = "stop" | "pause" | "resume" | "keep-awake" | "fork";

/** Returns the label of a session; one that this page does not know yet counts as Idle. */
export function labelOf(session: Pick<SessionBody, "label">): SessionLabel {
  return LABELS.find((label) => label === session.label) ?? "Idle";
}

/** Returns what can be done with a session besides sending messages and deleting it, which always can. */
export function actionsFor(label: SessionLabel): readonly SessionAction[] {
  switch (label) {
    case "Starting":
    case "Pausing":
    case "Resuming":
      return [];
    case "Running":
      return ["stop", "pause", "fork"];
    case "Waiting for user":
      return ["stop", "keep-awake", "pause", "fork"];
    case "Idle":
    case "Errored":
      return ["keep-awake", "pause", "fork"];
    case "Paused":
      return ["resume", "fork"];
  }
}

/** Whether the sandbox is up, so that preview, terminal and logs are live. */
export function isOn(session: Pick<SessionBody, "sandbox">): boolean {
  return session.sandbox === "on";
}

/** Whether it is off and stays off until somebody resumes it: the panels then show a Resume button. */
export function isPaused(session: Pick<SessionBody, "sandbox">): boolean {
  return session.sandbox === "paused";
}
