import { expect, it } from "vitest";

import { noticeState } from "./notice_state";

it.each([
  [null, true, "unsupported"],
  ["denied", true, "denied"],
  ["default", true, "ask"],
  ["granted", true, "on"],
  ["granted", false, "off"],
] as const)("with permission %s, wanted %s: %s", (permission, isWanted, state) => {
  expect(noticeState(permission, isWanted)).toBe(state);
});
