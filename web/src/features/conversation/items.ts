/** What a conversation is made of on the screen; made of events and parts by `transcript.ts`. */
import type { Answer, EventOf } from "@/api/types";

interface Keyed {
  /** The same for as long as it is there, also when an event takes the place of parts. */
  key: string;
  /** ISO instant; of things still being written, empty. */
  at: string;
}

export interface MessageItem extends Keyed {
  type: "message";
  id: string;
  text: string;
  attachments: EventOf<"message_added">["attachments"];
  delivery: "kept" | "delivered";
}

export interface TextItem extends Keyed {
  type: "text" | "thought";
  text: string;
  isLive: boolean;
}

export type ToolStatus = "preparing" | "running" | "background" | "done" | "failed" | "interrupted";

export interface ToolItem extends Keyed {
  type: "tool";
  name: string;
  kind: EventOf<"tool_called">["tool_kind"];
  title: string;
  input: Record<string, unknown>;
  status: ToolStatus;
  /** Of a finished call; while it runs, what came so far. */
  output: string;
  isTruncated: boolean;
  path: string | null;
  hunks: readonly Hunk[];
  isNewFile: boolean;
  images: number;
  endedAt: string | null;
  /** Asks the user whether it may be made. */
  ask: Ask | null;
  /** What a sub-agent does within this call. */
  children: readonly Item[];
  /** What a sub-agent or background command is for, and how it ended. */
  task: { status: EventOf<"subagent_changed">["status"]; summary: string | null } | null;
}

export interface Hunk {
  oldStart: number;
  newStart: number;
  lines: readonly string[];
}

export interface Ask {
  id: string;
  state: "open" | "answered" | "taken" | "withdrawn";
  answer: Answer | null;
  canAllowAlways: boolean;
}

export interface QuestionItem extends Keyed {
  type: "question";
  ask: Ask;
  questions: EventOf<"question_asked">["questions"];
}

export interface PlanItem extends Keyed {
  type: "plan";
  ask: Ask;
  plan: string;
}

export interface TodoItem extends Keyed {
  type: "todo";
  entries: EventOf<"plan_changed">["entries"];
}

export interface TurnEndItem extends Keyed {
  type: "turn_end";
  event: EventOf<"turn_ended"> | EventOf<"turn_failed">;
}

export interface RetryItem extends Keyed {
  type: "retry";
  event: EventOf<"model_retried">;
  /** Nothing came of the agent since: it still waits. */
  isWaiting: boolean;
}

/** Steps of a start or resume, until the session is on. */
export interface StepsItem extends Keyed {
  type: "steps";
  steps: readonly { step: string; seconds: number; detail: string | null }[];
}

/** A build that proves how the project is set up, told to the session that sets it up. */
export interface BuildItem extends Keyed {
  type: "build";
  generation: number;
  status: "building" | "ready" | "failed";
  /** What is being done, what came of it, or why it failed. */
  detail: string;
  /** The end of its log, live while it builds. */
  log: string;
}

/** Lines across the conversation: paused, came back, settings, and what else should be known. */
export interface MarkItem extends Keyed {
  type: "mark";
  event:
    | EventOf<"state_changed">
    | EventOf<"came_back">
    | EventOf<"settings_changed">
    | EventOf<"compacted">
    | EventOf<"limit_reached">
    | EventOf<"agent_started">
    | EventOf<"agent_gone">
    | EventOf<"forked">
    | EventOf<"dev_server_changed">
    | EventOf<"environment_changed">
    | EventOf<"pull_request_changed">
    | EventOf<"notice">
    | EventOf<"subagent_changed">;
}

export type Item =
  | MessageItem
  | TextItem
  | ToolItem
  | QuestionItem
  | PlanItem
  | TodoItem
  | TurnEndItem
  | RetryItem
  | StepsItem
  | BuildItem
  | MarkItem;
