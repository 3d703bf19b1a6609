import { expect, it } from "vitest";

import { backoffMs } from "./backoff";
import { parseFrames, Sequence } from "./frames";

it("reads events, parts and changes, and skips what it does not know", () => {
  const event = { kind: "notice", text: "x" };
  expect(parseFrames(JSON.stringify({ number: 3, event }))).toEqual([{ type: "event", number: 3, event }]);
  const page = [
    { number: 1, event },
    { number: 2, event },
  ];
  expect(parseFrames(JSON.stringify({ page }))).toEqual(page.map((each) => ({ type: "event", ...each })));
  expect(parseFrames('{"part":{"kind":"reset"}}')).toMatchObject([{ type: "part" }]);
  expect(parseFrames('{"changed":"ports"}')).toEqual([{ type: "changed", changed: "ports" }]);
  expect(parseFrames('{"weather":"fine"}')).toEqual([]);
});

it("lets each event through once and notices a hole", () => {
  const sequence = new Sequence(4);
  expect([4, 5, 5, 7, 6].map((number) => sequence.admit(number))).toEqual([
    "repeated",
    "next",
    "repeated",
    "gap",
    "next",
  ]);
});

it("waits longer after each failure, never beyond its limit, and never the same for everyone", () => {
  expect(backoffMs(1, 0)).toBe(125);
  expect(backoffMs(1, 1)).toBe(250);
  expect(backoffMs(4, 1)).toBe(2_000);
  expect(backoffMs(40, 1)).toBe(15_000);
});
