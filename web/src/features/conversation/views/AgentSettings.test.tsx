import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";

import type { SessionBody } from "@/api/types";
import { serve, show } from "@/features/project/test_rig";

import { AgentSettings } from "./AgentSettings";

const SESSION = {
  id: "s1",
  provider: "anthropic",
  model: "opus",
  effort: "high",
  mode: "plan",
} as SessionBody;
const PROVIDERS = [{ name: "anthropic", models: [{ id: "opus", name: "Opus, the newest" }] }];

describe("an agent's settings", () => {
  it("begin with what the session was started with", async () => {
    serve({ "GET /api/providers": PROVIDERS });
    show(<AgentSettings session={SESSION} />);
    const model = await screen.findByRole("button", { name: /^Model and effort/ });
    await waitFor(() => expect(model).toHaveTextContent("Opus, the newest"));
    expect(model).toHaveTextContent("high");
    expect(screen.getByRole("button", { name: /^Mode: ?Plans$/ })).toBeVisible();
  });

  it("leave the effort to the model where that is chosen", async () => {
    const calls = serve({ "GET /api/providers": PROVIDERS, "PATCH /api/sessions/s1": SESSION });
    show(<AgentSettings session={SESSION} />);
    await userEvent.click(await screen.findByRole("button", { name: /^Model and effort/ }));
    expect(await screen.findByRole("menuitemradio", { name: "High" })).toBeChecked();
    await userEvent.click(screen.getByRole("menuitemradio", { name: "As the model likes" }));
    await waitFor(() =>
      expect(calls.find((call) => call.method === "PATCH")?.body).toEqual({ effort: null }),
    );
  });
});
