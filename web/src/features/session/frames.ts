/** What a session's event stream sends, read from text. */
import type { EventFrame, LivePart, PageFrame, SessionEvent } from "@/api/types";

export type Frame =
  | { type: "event"; number: number; event: SessionEvent }
  | { type: "part"; part: LivePart }
  | { type: "changed"; changed: string }
  /** The connection is new: what was being written will be said anew. */
  | { type: "connected" };

/** Returns what a text holds; nothing for kinds that this page does not know, which a newer server may send. */
export function parseFrames(text: string): Frame[] {
  const body = JSON.parse(text) as Partial<EventFrame & PageFrame> & { part?: LivePart; changed?: string };
  if (body.page) return body.page.map(({ number, event }) => ({ type: "event", number, event }));
  if (typeof body.number === "number" && body.event)
    return [{ type: "event", number: body.number, event: body.event }];
  if (body.part) return [{ type: "part", part: body.part }];
  if (typeof body.changed === "string") return [{ type: "changed", changed: body.changed }];
  return [];
}

/**
 * Sees to it that each numbered event comes once and in order, whatever connections come and go: a repeated one is
 * dropped, and a missing one is a reason to connect anew.
 */
export class Sequence {
  constructor(public newest = 0) {}

  admit(number: number): "next" | "repeated" | "gap" {
    if (number <= this.newest) return "repeated";
    if (number > this.newest + 1) return "gap";
    this.newest = number;
    return "next";
  }
}
