import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";

import NewProjectPage from "./NewProjectPage";
import { faultsOf, refusal, serve, show } from "./test_rig";

const SIZES = [
  { name: "small", cpus: 2, memory_bytes: 4 * 2 ** 30, compute_units: 1 },
  { name: "large", cpus: 4, memory_bytes: 8 * 2 ** 30, compute_units: 2 },
];
const BRANCHES = { names: ["dev", "main"], default: "main" };
const BASE = {
  "GET /api/sizes": SIZES,
  "GET /api/git-accounts": [],
  "GET /api/settings": { size: { value: "small" } },
};

describe("a new project", () => {
  it("is made from what was typed, and goes over into its setup session", async () => {
    const calls = serve({
      ...BASE,
      "POST /api/repositories/branches": BRANCHES,
      "POST /api/projects": { id: "p1", name: "app", setup_session: "s1" },
    });
    const { container, where } = show(<NewProjectPage />);
    await userEvent.type(await screen.findByLabelText("Address or path"), "/srv/app");
    expect(await screen.findByRole("combobox", { name: "Branch" })).toHaveValue("main");
    await userEvent.click(await screen.findByRole("radio", { name: /large/i }));
    await userEvent.click(screen.getByLabelText("Paste a .env"));
    await userEvent.paste("A=1\nB=2");
    expect(screen.getByRole("list", { name: "Variables in it" })).toHaveTextContent("AB");
    await userEvent.click(screen.getByRole("switch", { name: "Browser verification" }));
    expect(await faultsOf(container)).toEqual([]);
    await userEvent.click(screen.getByRole("button", { name: "Create project" }));
    await waitFor(() => expect(where()).toBe("/sessions/s1"));
    expect(calls.find((call) => call.path === "/api/projects")?.body).toEqual({
      source: "/srv/app",
      size: "large",
      has_browser: true,
      rebuilds_when_stale: false,
      environment_text: "A=1\nB=2",
    });
  });

  it.each([
    ["the default one", { size: { value: "large" } }, { size: "large" }],
    ["the server's affair while the defaults cannot be read", refusal(503, "unavailable", "not now"), {}],
  ])("is of a size that is %s, unless another is chosen", async (_, settings, size) => {
    const calls = serve({
      ...BASE,
      "GET /api/settings": settings,
      "POST /api/projects": { id: "p1", name: "app", setup_session: "s1" },
    });
    const { where } = show(<NewProjectPage />);
    const large = await screen.findByRole("radio", { name: /large/i });
    await waitFor(() => expect(calls.some((call) => call.path === "/api/settings")).toBe(true));
    if ("size" in size) await waitFor(() => expect(large).toBeChecked());
    await userEvent.type(await screen.findByLabelText("Address or path"), "/srv/app");
    await userEvent.click(screen.getByRole("button", { name: "Create project" }));
    await waitFor(() => expect(where()).toBe("/sessions/s1"));
    expect(calls.find((call) => call.path === "/api/projects")?.body).toEqual({
      source: "/srv/app",
      ...size,
      has_browser: false,
      rebuilds_when_stale: false,
    });
  });

  it("keeps all that was typed when it is refused, and says it at its place", async () => {
    serve({
      ...BASE,
      "POST /api/projects": refusal(422, "input.invalid", "a project named app exists already"),
    });
    show(<NewProjectPage />);
    await userEvent.type(await screen.findByLabelText("Address or path"), "/srv/app");
    await userEvent.click(screen.getByRole("button", { name: "Create project" }));
    expect(await screen.findByLabelText("Name")).toHaveAccessibleDescription(
      "a project named app exists already",
    );
    expect(screen.getByLabelText("Address or path")).toHaveValue("/srv/app");
    await userEvent.clear(screen.getByLabelText("Address or path"));
  });

  it("says that an address cannot be read before anything is created", async () => {
    serve({
      ...BASE,
      "POST /api/repositories/branches": refusal(422, "git.repository", "no repository is there"),
    });
    show(<NewProjectPage />);
    await userEvent.type(await screen.findByLabelText("Address or path"), "/srv/none");
    expect(await screen.findByText("no repository is there")).toBeVisible();
    await userEvent.clear(screen.getByLabelText("Address or path"));
  });

  it("asks for branches once for each source, and goes on saying that it cannot be read", async () => {
    const calls = serve({
      ...BASE,
      "POST /api/repositories/branches": refusal(422, "git.repository", "no repository is there"),
      "POST /api/projects": refusal(422, "input.invalid", "the text, line 2: not of the form NAME=value"),
    });
    show(<NewProjectPage />);
    const source = await screen.findByLabelText("Address or path");
    await userEvent.type(source, "/srv/none");
    expect(await screen.findByText("no repository is there")).toBeVisible();
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
    await userEvent.click(screen.getByRole("button", { name: "Create project" }));
    expect(await screen.findByText(/line 2/)).toBeVisible();
    expect(source).toHaveAccessibleDescription("no repository is there");
    expect(screen.queryByText(/^Asking/)).toBeNull();
    expect(calls.filter((call) => call.path === "/api/repositories/branches")).toHaveLength(1);
    await userEvent.type(source, "2");
    expect(screen.queryByText("no repository is there")).toBeNull();
    await userEvent.clear(source);
  });

  it("brings its user to the first thing that is wrong", async () => {
    serve({
      ...BASE,
      "POST /api/repositories/branches": BRANCHES,
      "POST /api/projects": refusal(422, "input.invalid", "the text, line 2: not of the form NAME=value"),
    });
    show(<NewProjectPage />);
    const create = await screen.findByRole("button", { name: "Create project" });
    await userEvent.click(create);
    const source = screen.getByLabelText("Address or path");
    expect(source).toHaveFocus();
    await userEvent.type(source, "/srv/app");
    await userEvent.click(screen.getByText("Commands, port and image"));
    await userEvent.type(screen.getByLabelText("Port"), "70000");
    await userEvent.click(create);
    expect(screen.getByLabelText("Port")).toHaveFocus();
    await userEvent.clear(screen.getByLabelText("Port"));
    await userEvent.click(create);
    await waitFor(() => expect(screen.getByLabelText("Paste a .env")).toHaveFocus());
    await userEvent.clear(source);
  });

  it("says so where the server cannot be asked for branches", async () => {
    serve({
      ...BASE,
      "POST /api/repositories/branches": () => Promise.reject(new TypeError("Failed to fetch")),
    });
    show(<NewProjectPage />);
    await userEvent.type(await screen.findByLabelText("Address or path"), "/srv/app");
    expect(await screen.findByText(/The server cannot be reached/)).toBeVisible();
    await userEvent.clear(screen.getByLabelText("Address or path"));
  });

  it("is chosen from what an account was granted", async () => {
    serve({
      ...BASE,
      "GET /api/git-accounts": [{ id: "a", name: "octo", kind: "github", projects: [] }],
      "GET /api/git-accounts/octo/repositories": [
        { full_name: "octo/app", default_branch: "main", is_private: true, can_push: true },
        { full_name: "octo/site", default_branch: "main", is_private: false, can_push: false },
      ],
      "POST /api/repositories/branches": BRANCHES,
      "POST /api/projects": { id: "p1", name: "site", setup_session: null },
    });
    const { container, where } = show(<NewProjectPage />);
    await userEvent.click(await screen.findByRole("tab", { name: "octo" }));
    await userEvent.type(await screen.findByRole("searchbox"), "SITE");
    expect(screen.queryByText("octo/app")).toBeNull();
    await userEvent.click(screen.getByRole("radio", { name: /octo\/site/ }));
    expect(await faultsOf(container)).toEqual([]);
    await userEvent.click(screen.getByRole("button", { name: "Create project" }));
    await waitFor(() => expect(where()).toBe("/projects/p1"));
  });
});
