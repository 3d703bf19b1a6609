import { expect, it } from "vitest";

import { chooseAhead } from "./likely_next";

const session = (id: string, events: number, day: number) => ({
  id,
  events,
  changed_at: `2026-11-0${day}T00:00:00Z`,
});

it("reads ahead what changed last, and what is too long not at all", () => {
  const sessions = [session("old", 40, 1), session("long", 900, 2), session("new", 70, 3)];
  expect(chooseAhead(sessions, 500).map((each) => each.id)).toEqual(["new", "old"]);
});

it("reads no more in all than it may", () => {
  const sessions = [session("first", 40, 3), session("second", 70, 2), session("third", 20, 1)];
  expect(chooseAhead(sessions, 60).map((each) => each.id)).toEqual(["first", "third"]);
});
