import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";

import type { ProjectBody, SnapshotBody } from "@/api/types";

import { ProjectView } from "./ProjectView";
import { faultsOf, refusal, serve, show } from "./test_rig";

const SNAPSHOT = {
  id: "n2",
  project_id: "p1",
  generation: 2,
  state: "ready",
  step: null,
  commit: "0123456789abcdef",
  has_memory: true,
  failure: null,
  build_s: 12.3,
  created_at: "2026-01-02T03:04:05Z",
  environment_keys: [],
  layer_bytes: 300 * 2 ** 20,
  memory_bytes: 90 * 2 ** 20,
  stale_files: [],
} as SnapshotBody;
const PROJECT: ProjectBody = {
  id: "p1",
  name: "app",
  source: "/srv/app",
  branch: "main",
  setup_command: "npm ci",
  dev_command: "npm run dev",
  port: 5173,
  size: "small",
  environment_keys: [],
  environment_version: 1,
  retry_needed: false,
  snapshot: SNAPSHOT,
  ready_snapshot: "n2",
  sessions: 2,
  created_at: "2026-01-02T03:04:05Z",
  budget_tokens: null,
  budget_usd: null,
  spent_tokens: 0,
  spent_usd: 0,
  has_browser: false,
  rebuilds_when_stale: false,
  image: null,
  account: null,
  setup_session: null,
  processes: { worker: "npm run worker" },
};
const BASE = {
  "GET /api/sizes": [{ name: "small", cpus: 2, memory_bytes: 4 * 2 ** 30, compute_units: 1 }],
  "GET /api/sessions": [],
  "GET /api/projects/p1/snapshots": [SNAPSHOT],
  "GET /api/projects/p1/environment": { version: 1, variables: [{ name: "KEY" }], sessions_to_restart: [] },
  "GET /api/projects/p1/pull-requests": [
    {
      number: 1,
      title: "A link",
      url: "https://git.example/1",
      state: "open",
      updated_at: "2026-01-02T03:04:05Z",
    },
    {
      number: 2,
      title: "No link",
      url: "javascript:alert(1)",
      state: "open",
      updated_at: "2026-01-02T03:04:05Z",
    },
  ],
  "GET /api/snapshots/n2/log": { text: "[lot] booting the sandbox\n", next_offset: 26 },
};

describe("a project's page", () => {
  it("shows what there is, and links only web addresses", async () => {
    serve(BASE);
    const { container } = show(<ProjectView project={PROJECT} />);
    expect(await screen.findByText("KEY")).toBeVisible();
    expect(await screen.findByText("01234567")).toBeVisible();
    expect(await screen.findByRole("link", { name: "A link" })).toHaveAttribute(
      "href",
      "https://git.example/1",
    );
    expect(screen.queryByRole("link", { name: "No link" })).toBeNull();
    expect(await faultsOf(container)).toEqual([]);
  });

  it("says why a build failed, with its log and steps, and tries again", async () => {
    const calls = serve({ ...BASE, "POST /api/projects/p1/snapshots": { ...SNAPSHOT, state: "building" } });
    const failed = { ...SNAPSHOT, state: "failed", failure: "npm ci ended with 1", commit: null };
    const { container } = show(
      <ProjectView project={{ ...PROJECT, snapshot: failed, ready_snapshot: null }} />,
    );
    expect(await screen.findByText("npm ci ended with 1")).toBeVisible();
    expect(await screen.findByRole("log", { name: "Log of the setup" })).toHaveTextContent("booting");
    expect(await screen.findByRole("list", { name: "Steps" })).toHaveTextContent("Booting the sandbox");
    expect(screen.getByRole("button", { name: "New session" })).toBeDisabled();
    expect(await faultsOf(container)).toEqual([]);
    await userEvent.click(screen.getByRole("button", { name: "Retry setup" }));
    await waitFor(() => expect(calls.some((call) => call.method === "POST")).toBe(true));
  });

  it("saves only what was changed", async () => {
    const calls = serve({ ...BASE, "PATCH /api/projects/p1": { ...PROJECT, retry_needed: true } });
    show(<ProjectView project={PROJECT} />);
    const settings = within(await screen.findByRole("region", { name: "Settings" }));
    expect(settings.getByRole("button", { name: "Save" })).toBeDisabled();
    await userEvent.clear(settings.getByLabelText("Port"));
    await userEvent.click(settings.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(calls.find((call) => call.method === "PATCH")?.body).toEqual({ port: null }));
  });

  it("changes what runs beside the dev server", async () => {
    const calls = serve({ ...BASE, "PATCH /api/projects/p1": { ...PROJECT, retry_needed: true } });
    show(<ProjectView project={PROJECT} />);
    const settings = within(await screen.findByRole("region", { name: "Settings" }));
    await userEvent.click(settings.getByRole("button", { name: "Add a process" }));
    await userEvent.type(settings.getByLabelText("Name of process 2"), "css");
    expect(settings.getByRole("button", { name: "Save" })).toBeDisabled();
    await userEvent.type(settings.getByLabelText("Command of process 2"), "npm run css");
    await userEvent.click(settings.getByRole("button", { name: "Save" }));
    await waitFor(() =>
      expect(calls.find((call) => call.method === "PATCH")?.body).toEqual({
        processes: { worker: "npm run worker", css: "npm run css" },
      }),
    );
  });

  it("takes a pasted .env, and says which line is wrong", async () => {
    const lines = ["NEW=1", "no"];
    const calls = serve({
      ...BASE,
      "PATCH /api/projects/p1/environment": ({ body }: { body: unknown }) =>
        JSON.stringify(body).includes("no")
          ? refusal(422, "input.invalid", "the text, line 2: not of the form NAME=value")
          : { version: 2, variables: [{ name: "KEY" }, { name: "NEW" }], sessions_to_restart: [] },
    });
    show(<ProjectView project={PROJECT} />);
    await userEvent.click(await screen.findByRole("button", { name: "Paste a .env" }));
    await userEvent.click(screen.getByLabelText("Paste a .env"));
    await userEvent.paste(lines.join("\n"));
    await userEvent.click(screen.getByRole("button", { name: "Save variables" }));
    expect(await screen.findByText(/line 2/)).toBeVisible();
    await userEvent.clear(screen.getByLabelText("Paste a .env"));
    await userEvent.paste("NEW=1");
    await userEvent.click(screen.getByRole("button", { name: "Save variables" }));
    expect(await screen.findByText("NEW")).toBeVisible();
    await waitFor(() => expect(screen.queryByRole("button", { name: "Save variables" })).toBeNull());
    expect(calls.filter((call) => call.method === "PATCH").at(-1)?.body).toEqual({
      text: "NEW=1",
      version: 1,
    });
  });

  it("has an agent set it up, with guidance, and goes there", async () => {
    const calls = serve({ ...BASE, "POST /api/projects/p1/setup-sessions": { id: "s9" } });
    const { where } = show(<ProjectView project={PROJECT} />);
    await userEvent.click(await screen.findByRole("button", { name: "Let an agent set it up" }));
    await userEvent.type(screen.getByLabelText("What should it know?"), "needs redis");
    await userEvent.click(screen.getByRole("button", { name: "Start" }));
    await waitFor(() => expect(where()).toBe("/sessions/s9"));
    expect(calls.find((call) => call.method === "POST")?.body).toEqual({ guidance: "needs redis" });
  });

  it("is deleted only after its name was typed", async () => {
    const calls = serve({ ...BASE, "DELETE /api/projects/p1": null });
    const { where } = show(<ProjectView project={PROJECT} />, "/projects/p1");
    await userEvent.click(await screen.findByRole("button", { name: "Delete project" }));
    const confirm = screen.getByRole("button", { name: "Delete for good" });
    expect(confirm).toBeDisabled();
    await userEvent.type(screen.getByLabelText("Type app to confirm"), "app");
    await userEvent.click(confirm);
    await waitFor(() => expect(where()).toBe("/"));
    expect(calls.find((call) => call.method === "DELETE")?.path).toBe("/api/projects/p1?cascade=true");
  });

  it("shows what an examination found, and how to mend it", async () => {
    serve({
      ...BASE,
      "POST /api/projects/p1/examination": [
        { name: "layer", is_ok: true, seen: "can be read", mend: null },
        { name: "session", is_ok: false, seen: "does not start", mend: "retry the setup" },
      ],
    });
    show(<ProjectView project={PROJECT} />);
    await userEvent.click(await screen.findByRole("button", { name: "Examine" }));
    expect(await screen.findByText("retry the setup")).toBeVisible();
  });
});
