import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { Tooltip } from "radix-ui";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { SessionBody } from "@/api/types";

import EnvironmentPanel from "./EnvironmentPanel";

/** A server with one project's environment; `version` grows as the real one's does. */
const server = {
  version: 1,
  values: {} as Record<string, string>,
  toRestart: [] as string[],
  saved: [] as unknown[],
};

let projects = 0;

function sessionOf(project: string, more: Partial<SessionBody> = {}): SessionBody {
  return {
    id: "s1",
    project_id: project,
    project_name: "shop",
    title: "This task",
    label: "Idle",
    sandbox: "on",
    restart_needed: false,
    ...more,
  } as SessionBody;
}

function bodyOf(isRevealed: boolean) {
  return {
    version: server.version,
    variables: Object.entries(server.values).map(([name, value]) => ({
      name,
      value: isRevealed ? value : null,
      changed_at: null,
    })),
    sessions_to_restart: server.toRestart,
  };
}

async function answer(request: Request): Promise<Response> {
  const url = new URL(request.url);
  if (url.pathname === "/api/environment/parse")
    return Response.json({ variables: { A: "1", PASTED: "two words" } });
  if (url.pathname === "/api/sessions") {
    return Response.json([sessionOf("p", { id: "s2", title: "Another task" })]);
  }
  if (url.pathname.endsWith("/dev-server/restart")) return Response.json(sessionOf("p"));
  if (request.method === "PATCH") {
    const body = (await request.json()) as { version: number; set: Record<string, string>; unset: string[] };
    if (body.version !== server.version) {
      return Response.json({ code: "environment.changed", message: "changed meanwhile" }, { status: 409 });
    }
    server.saved.push(body);
    server.version += 1;
    const kept = Object.entries(server.values).filter(([name]) => !body.unset.includes(name));
    server.values = { ...Object.fromEntries(kept), ...body.set };
    return Response.json(bodyOf(false));
  }
  return Response.json(bodyOf(url.searchParams.get("reveal") === "true"));
}

beforeEach(() => {
  Object.assign(server, { version: 1, values: { A: "1", B: "secret" }, toRestart: [], saved: [] });
  vi.stubGlobal("fetch", answer);
});
afterEach(() => vi.unstubAllGlobals());

async function show(more: Partial<SessionBody> = {}) {
  projects += 1;
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(
    <QueryClientProvider client={client}>
      <Tooltip.Provider>
        <EnvironmentPanel session={sessionOf(`p${projects}`, more)} />
      </Tooltip.Provider>
    </QueryClientProvider>,
  );
  await screen.findByRole("list", { name: "Variables" });
  return userEvent.setup();
}

const rowOf = (name: string) => screen.getByText(name).closest("li")!;

describe("the variables", () => {
  it("are named, and shown only on demand", async () => {
    const user = await show();
    expect(screen.queryByText("secret")).toBeNull();
    await user.click(screen.getByRole("button", { name: "Reveal B" }));
    expect(await screen.findByText("secret")).toBeVisible();
    expect(within(rowOf("A")).getByText("hidden")).toBeInTheDocument();
    await user.click(screen.getByRole("button", { name: "Hide B" }));
    expect(screen.queryByText("secret")).toBeNull();
  });

  it("are edited, added and removed, and saved together", async () => {
    const user = await show();
    await user.click(screen.getByRole("button", { name: "Edit B" }));
    const field = await screen.findByRole("textbox", { name: "Value of B" });
    expect(field).toHaveValue("secret");
    await user.clear(field);
    await user.type(field, "other{Enter}");
    await user.click(screen.getByRole("button", { name: "Remove A" }));
    await user.type(screen.getByRole("textbox", { name: "Name of a new variable" }), "NEW");
    await user.type(screen.getByRole("textbox", { name: "Its value" }), "3{Enter}");
    expect(screen.getByText(/3 unsaved changes/)).toBeVisible();
    expect(within(rowOf("A")).getByText("removed")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Save" }));
    await vi.waitFor(() =>
      expect(server.saved).toEqual([{ text: null, set: { B: "other", NEW: "3" }, unset: ["A"], version: 1 }]),
    );
    await vi.waitFor(() => expect(screen.queryByText(/unsaved/)).toBeNull());
  });

  it("of a pasted file are shown as the server reads them, before anything is saved", async () => {
    const user = await show();
    await user.click(screen.getByRole("button", { name: "Paste .env" }));
    await user.type(screen.getByRole("textbox", { name: "Its content" }), "A=1");
    await user.click(screen.getByRole("button", { name: "Read it" }));
    const found = await screen.findByRole("list", { name: "What it sets" });
    expect(
      within(found)
        .getAllByRole("listitem")
        .map((item) => item.textContent),
    ).toEqual(["A1same", "PASTEDtwo wordsnew"]);
    await user.click(screen.getByRole("button", { name: "Take these 2" }));
    expect(screen.getByText(/1 unsaved change\b/)).toBeVisible();
    expect(server.saved).toEqual([]);
  });

  it("that somebody else saved meanwhile are named, and one's own kept", async () => {
    const user = await show();
    await user.click(screen.getByRole("button", { name: "Remove A" }));
    server.version = 2;
    server.values = { ...server.values, C: "theirs" };
    await user.click(screen.getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Somebody else saved other values meanwhile")).toBeVisible();
    expect(screen.getByText("C", { selector: "code" })).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Keep my changes" }));
    await user.click(screen.getByRole("button", { name: "Save" }));
    await vi.waitFor(() => expect(server.values).toEqual({ B: "secret", C: "theirs" }));
  });
});

describe("a restart", () => {
  it("is asked for this session after saving, and others are named", async () => {
    server.toRestart = ["s1", "s2"];
    const user = await show();
    await user.click(screen.getByRole("button", { name: "Remove A" }));
    await user.click(screen.getByRole("button", { name: "Save" }));
    const dialog = await screen.findByRole("dialog", { name: "Saved. A restart is needed" });
    expect(await within(dialog).findByText("Another task")).toBeVisible();
    await user.click(within(dialog).getByRole("button", { name: "Restart this session's dev server" }));
    await vi.waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  });

  it("is said to be needed until it is done, also while the session is paused", async () => {
    await show({ restart_needed: true, sandbox: "paused", label: "Paused" });
    expect(screen.getByText("Restart needed.")).toBeVisible();
    expect(screen.queryByRole("button", { name: "Restart now" })).toBeNull();
  });
});
