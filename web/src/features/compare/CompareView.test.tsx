import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";

import { faultsOf, refusal, serve, show } from "@/features/project/test_rig";
import type { PanelProps } from "@/features/session/panels";

import { CompareView } from "./CompareView";

vi.mock("@/features/session/panels", () => ({
  PANEL_VIEWS: {
    diff: ({ session }: PanelProps) => <p>diff of {session.id}</p>,
    preview: ({ session }: PanelProps) => <p>preview of {session.id}</p>,
  },
}));

const LEFT = { id: "a", title: "First", label: "Idle", branch: "lot/first-a" };
const RIGHT = { id: "b", title: "Second", label: "Paused", branch: "lot/second-b" };
const BASE = { "GET /api/sessions/a": LEFT, "GET /api/sessions/b": RIGHT };

describe("two sessions", () => {
  it("stand side by side, with their states, diffs and previews", async () => {
    serve(BASE);
    const { container } = show(<CompareView left="a" right="b" />);
    const left = within(await screen.findByRole("region", { name: "Left: First" }));
    const right = within(screen.getByRole("region", { name: "Right: Second" }));
    expect(left.getByText("Idle")).toBeVisible();
    expect(left.getByText("diff of a")).toBeVisible();
    expect(right.getByText("Paused")).toBeVisible();
    await userEvent.click(screen.getByRole("tab", { name: "Preview" }));
    expect(right.getByText("preview of b")).toBeVisible();
    expect(await faultsOf(container)).toEqual([]);
  });

  it("become one when one is kept, and the other's deletion confirmed", async () => {
    const calls = serve({ ...BASE, "DELETE /api/sessions/a": null });
    const { where } = show(<CompareView left="a" right="b" />);
    await userEvent.click(await screen.findByRole("button", { name: "Keep this one: Second" }));
    expect(screen.getByRole("dialog", { name: "Keep “Second”?" })).toHaveTextContent("“First” is deleted");
    expect(calls.some((call) => call.method === "DELETE")).toBe(false);
    await userEvent.click(screen.getByRole("button", { name: "Keep this, delete the other" }));
    await waitFor(() => expect(where()).toBe("/sessions/b"));
    expect(calls.find((call) => call.method === "DELETE")?.path).toBe("/api/sessions/a");
  });

  it("say so when one of them is gone", async () => {
    serve({ ...BASE, "GET /api/sessions/b": refusal(404, "not_found", "there is no session b") });
    show(<CompareView left="a" right="b" />);
    expect(await screen.findByText("there is no session b")).toBeVisible();
  });
});
