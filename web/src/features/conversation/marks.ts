/** The words for what happened to a session, as they stand across its conversation. */
import Anser from "anser";

import { inWords } from "@/features/session/reasons";
import { durationOf } from "@/ui/format";

import type { MarkItem } from "./items";

export interface Mark {
  text: string;
  tone: "quiet" | "paused" | "good" | "warning" | "bad";
  hasTime: boolean;
  link?: string;
}

const RUNGS = {
  memory: "Back as it was, from memory",
  disk: "Back from disk: files are as they were, processes were started anew",
  rebuilt: "Rebuilt from the repository and the transcript",
};
const MODES: Partial<Record<string, string>> = {
  full: "does not ask",
  edits: "asks before commands",
  ask: "asks before everything",
  plan: "plans",
};
const PULL_REQUESTS = { opened: "opened", updated: "updated", merged: "merged", closed: "closed" };

export function markOf(event: MarkItem["event"]): Mark {
  switch (event.kind) {
    case "state_changed":
      return event.label === "Paused"
        ? { text: `Paused${because(event.reason)}`, tone: "paused", hasTime: true }
        : { text: `${event.label}${because(event.reason)}`, tone: "bad", hasTime: true };
    case "came_back": {
      const text = `${RUNGS[event.rung]}, in ${durationOf(event.seconds)}${because(event.reason)}`;
      return { text, tone: event.rung === "memory" ? "good" : "warning", hasTime: true };
    }
    case "settings_changed":
      return { text: settings(event), tone: "quiet", hasTime: false };
    case "compacted":
      return {
        text: "The agent summed up the conversation so far, to make room",
        tone: "quiet",
        hasTime: false,
      };
    case "limit_reached":
      return { text: `Limit reached: ${event.detail}`, tone: "warning", hasTime: true };
    case "agent_started": {
      const parts = [event.program, event.version, event.model].filter(
        (part) => part !== null && part !== "",
      );
      const scripted = event.is_scripted ? " · scripted rehearsal, no model" : "";
      return { text: parts.join(" ") + scripted, tone: "quiet", hasTime: false };
    }
    case "agent_gone":
      return { text: `The agent's program ended${because(event.reason)}`, tone: "bad", hasTime: true };
    case "forked":
      return {
        text: `Forked from another session at its event ${event.parent_event}`,
        tone: "quiet",
        hasTime: true,
        link: `/sessions/${event.parent_id}`,
      };
    case "dev_server_changed":
      return devServer(event);
    case "environment_changed":
      return event.restart_needed
        ? {
            text: "Environment variables were changed: restart the dev server to use them",
            tone: "warning",
            hasTime: true,
          }
        : { text: "The dev server has the newest environment variables", tone: "quiet", hasTime: true };
    case "pull_request_changed": {
      const tone = event.action === "closed" ? "warning" : "good";
      const text = `Pull request #${event.number} ${PULL_REQUESTS[event.action]}`;
      return { text, tone, hasTime: true, link: event.url };
    }
    case "notice":
      return { text: event.text, tone: "warning", hasTime: false };
    case "subagent_changed":
      return {
        text: event.summary ?? event.description ?? `Background task ${event.status}`,
        tone: "quiet",
        hasTime: false,
      };
  }
}

function because(reason: string | null): string {
  return reason === null || reason === "" ? "" : `: ${inWords(reason)}`;
}

/** What a program prints is long, and coloured: all of it is in its log. */
function firstLine(detail: string | null): string | null {
  return detail === null ? null : (Anser.ansiToText(detail).trim().split("\n", 1)[0] ?? null);
}

function settings(event: Extract<MarkItem["event"], { kind: "settings_changed" }>): string {
  const parts = [
    event.model !== null && `model ${event.model}`,
    event.effort !== null && `effort ${event.effort}`,
    event.mode !== null && (MODES[event.mode] ?? `mode ${event.mode}`),
  ].filter((part) => part !== false);
  return `From here on: ${parts.join(", ")}`;
}

function devServer(event: Extract<MarkItem["event"], { kind: "dev_server_changed" }>): Mark {
  const name = event.process === null ? "The dev server" : `The process ${event.process}`;
  switch (event.status) {
    case "exited":
      return { text: `${name} ended${because(firstLine(event.detail))}`, tone: "bad", hasTime: true };
    case "silent":
      return {
        text: `${name} does not answer${because(firstLine(event.detail))}`,
        tone: "warning",
        hasTime: true,
      };
    case "answering":
    case "starting":
      return { text: `${name} answers again`, tone: "good", hasTime: true };
  }
}
