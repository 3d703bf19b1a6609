import { screen, waitFor } from "@testing-library/react";
import { expect, it } from "vitest";

import { serve, show } from "@/features/project/test_rig";

import { SessionContext } from "../folding";
import type { TurnEndItem } from "../items";
import { TurnEndView } from "./TurnEndView";

const NAME = "Set the key in Settings › Providers";

/** Shows a turn that failed, in a session whose provider can or cannot be asked; returns what was asked for. */
function fail(status: number | null, isReady: boolean) {
  const calls = serve({
    "GET /api/sessions/s1": { id: "s1", provider: "anthropic" },
    "GET /api/providers": [
      { name: "rehearsal", is_ready: true },
      { name: "anthropic", is_ready: isReady },
    ],
  });
  const event = { kind: "turn_failed", at: "2026-11-22T12:00:00Z", reason: "refused", status } as const;
  const item = { type: "turn_end", key: "1", at: event.at, event } as TurnEndItem;
  show(
    <SessionContext value="s1">
      <TurnEndView item={item} />
    </SessionContext>,
  );
  return calls;
}

it.each([
  [401, true],
  [403, false],
  [null, false],
])("leads to the keys where one is missing or refused (%s)", async (status, isReady) => {
  fail(status, isReady);
  expect(await screen.findByRole("link", { name: NAME })).toHaveAttribute("href", "/settings/providers");
});

it.each([[403], [529], [null]])("does not where something else failed (%s)", async (status) => {
  const calls = fail(status, true);
  expect(await screen.findByText("refused")).toBeVisible();
  await waitFor(() => expect(calls).toHaveLength(2));
  expect(screen.queryByRole("link")).toBeNull();
});
