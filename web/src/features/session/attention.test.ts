import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import type { SessionBody } from "@/api/types";

import { isUnread, needsYou, neighbour, newsOf, sessionsOf } from "./attention";

function session(fields: Partial<SessionBody>): SessionBody {
  return {
    id: "a",
    label: "Idle",
    agent: "idle",
    open_asks: 0,
    project_id: "p",
    created_at: "2026-01-01",
    ...fields,
  } as SessionBody;
}

it("needs you while something is asked, asleep or awake", () => {
  expect(needsYou(session({ open_asks: 1, label: "Paused" }))).toBe(true);
  expect(needsYou(session({ label: "Waiting for user" }))).toBe(true);
  expect(needsYou(session({}))).toBe(false);
});

it("is unread from the first thing to see on, until that was seen", () => {
  expect(isUnread({ last_event: 8, seen_event: 5 })).toBe(true);
  expect(isUnread({ last_event: 8, seen_event: 8 })).toBe(false);
  expect(isUnread({ last_event: 8, seen_event: 12 })).toBe(false);
});

interface NewsCase {
  why: string;
  before: Partial<SessionBody> | null;
  after: Partial<SessionBody>;
  news: string | null;
}

const CASES = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../../../tests/golden/news.json"), "utf8"),
) as NewsCase[];

describe("news, by the cases that the server's rule is tested on", () => {
  it.each(CASES)("$why", ({ before, after, news }) => {
    expect(newsOf(before === null ? undefined : session(before), session(after))).toBe(news);
  });
});

it("lists a project's sessions, the newest first, and goes from one to the next", () => {
  const all = [
    session({ id: "old", created_at: "2026-01-01" }),
    session({ id: "other", project_id: "q" }),
    session({ id: "new", created_at: "2026-01-02" }),
  ];
  const listed = sessionsOf({ id: "p" }, all);
  expect(listed.map((one) => one.id)).toEqual(["new", "old"]);
  expect(neighbour(listed, "new", 1)?.id).toBe("old");
  expect(neighbour(listed, "old", 1)).toBeNull();
  expect(neighbour(listed, undefined, -1)?.id).toBe("old");
});
