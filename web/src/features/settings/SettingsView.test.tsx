import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";

import { faultsOf, refusal, serve, show } from "@/features/project/test_rig";

import { SettingsView } from "./SettingsView";

const AT = "2026-01-02T03:04:05Z";
const ACCOUNT = {
  "GET /api/sign-in": { is_signed_in: true, user: { name: "ada" }, has_users: true, methods: [] },
  "GET /api/browser-sessions": [
    {
      id: "b1",
      user: "ada",
      user_agent: "Firefox/1 Linux",
      address: "::1",
      last_seen_at: AT,
      is_current: true,
    },
    {
      id: "b2",
      user: "ada",
      user_agent: "iPhone Safari/1",
      address: "",
      last_seen_at: AT,
      is_current: false,
    },
  ],
  "GET /api/tokens": [{ id: "t1", name: "laptop", created_at: AT, last_used_at: null }],
};

describe("the account", () => {
  it("lists browsers and signs out another than this one", async () => {
    const calls = serve({ ...ACCOUNT, "DELETE /api/browser-sessions/b2": null });
    const { container } = show(<SettingsView section={undefined} />);
    await userEvent.click(await screen.findByRole("button", { name: "Sign out Safari on iPhone" }));
    await waitFor(() => expect(calls.some((call) => call.path === "/api/browser-sessions/b2")).toBe(true));
    expect(screen.queryByRole("button", { name: "Sign out Firefox on Linux" })).toBeNull();
    expect(await screen.findByText("laptop")).toBeVisible();
    expect(await faultsOf(container)).toEqual([]);
  });

  it("shows a new token once, to be copied", async () => {
    serve({ ...ACCOUNT, "POST /api/tokens": { id: "t2", name: "ci", created_at: AT, token: "lot_s3cret" } });
    show(<SettingsView section="account" />);
    await userEvent.type(await screen.findByLabelText("What the token is for"), "ci");
    await userEvent.click(screen.getByRole("button", { name: "Make a token" }));
    expect(await screen.findByText("lot_s3cret")).toBeVisible();
  });

  it("says that the present password was another, and keeps the new one typed", async () => {
    serve({
      ...ACCOUNT,
      "PUT /api/password": refusal(403, "auth.refused", "the present password is another"),
    });
    show(<SettingsView section="account" />);
    await userEvent.type(await screen.findByLabelText("Present password"), "wrong");
    await userEvent.type(screen.getByLabelText("New password"), "longer than that");
    await userEvent.type(screen.getByLabelText("The same again"), "longer than that{Enter}");
    expect(await screen.findByText("the present password is another")).toBeVisible();
    expect(screen.getByLabelText("New password")).toHaveValue("longer than that");
  });
});

describe("people", () => {
  const ada = {
    id: "u1",
    name: "ada",
    created_at: AT,
    last_seen_at: AT,
    has_password: true,
    providers: [],
    is_current: true,
  };
  const grace = {
    ...ada,
    id: "u2",
    name: "grace",
    last_seen_at: null,
    has_password: false,
    providers: ["github"],
    is_current: false,
  };

  it("are listed with how they sign in; oneself stays", async () => {
    serve({ "GET /api/users": [ada, grace] });
    const { container } = show(<SettingsView section="people" />);
    expect(await screen.findByText(/Signs in by github.*signed in nowhere/)).toBeVisible();
    expect(screen.getByText(/Only another one can remove you/)).toBeVisible();
    expect(screen.queryByRole("button", { name: "Remove ada" })).toBeNull();
    expect(await faultsOf(container)).toEqual([]);
  });

  it("are removed once that is confirmed; a refusal is shown", async () => {
    const calls = serve({
      "GET /api/users": [ada, grace],
      "DELETE /api/users/u2": refusal(422, "input.invalid", "the only user is not removed"),
    });
    show(<SettingsView section="people" />);
    await userEvent.click(await screen.findByRole("button", { name: "Remove grace" }));
    expect(await screen.findByRole("dialog")).toHaveTextContent(/may sign in by github, too/);
    expect(calls.some((call) => call.method === "DELETE")).toBe(false);
    await userEvent.click(screen.getByRole("button", { name: "Remove" }));
    expect(await screen.findByText("the only user is not removed")).toBeVisible();
  });

  it("are renamed; a name that is taken stays typed", async () => {
    let isTaken = true;
    const calls = serve({
      "GET /api/users": [ada, grace],
      "PATCH /api/users/u2": () =>
        isTaken ? refusal(422, "input.invalid", "there is a user ada already") : { name: "hopper" },
    });
    show(<SettingsView section="people" />);
    await userEvent.click(await screen.findByRole("button", { name: "Rename grace" }));
    const field = await screen.findByLabelText("Name");
    expect(field).toHaveValue("grace");
    await userEvent.clear(field);
    await userEvent.type(field, "ada{Enter}");
    expect(await screen.findByText("there is a user ada already")).toBeVisible();
    expect(field).toHaveValue("ada");
    expect(await faultsOf(screen.getByRole("dialog"))).toEqual([]);
    isTaken = false;
    await userEvent.clear(field);
    await userEvent.type(field, "hopper{Enter}");
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(calls.filter((call) => call.method === "PATCH").map((call) => call.body)).toEqual([
      { name: "ada" },
      { name: "hopper" },
    ]);
  });

  it("are invited by a link that is shown once, with its end", async () => {
    const user = userEvent.setup();
    const link = "http://localhost/sign-in?link=s3cret";
    const calls = serve({
      "GET /api/users": [ada],
      "POST /api/sign-in-links": { url: link, user: null, ends_at: AT },
    });
    const { container } = show(<SettingsView section="people" />);
    await user.click(await screen.findByRole("button", { name: "Make a link" }));
    expect(await screen.findByText(link)).toBeVisible();
    expect(screen.getByRole("status")).toHaveTextContent(/Good once, until 2 Jan|Good once, until Jan 2/);
    await user.click(screen.getByRole("button", { name: "Copy" }));
    expect(await navigator.clipboard.readText()).toBe(link);
    expect(calls.find((call) => call.method === "POST")?.body).toEqual({ is_new: true });
    expect(await faultsOf(container)).toEqual([]);
  });

  it("say so when they cannot be read", async () => {
    serve({ "GET /api/users": refusal(503, "unavailable", "the database did not answer") });
    show(<SettingsView section="people" />);
    expect(await screen.findByText("the database did not answer")).toBeVisible();
  });
});

describe("providers", () => {
  const provider = {
    name: "anthropic",
    is_scripted: false,
    is_ready: false,
    reason: "no key is set",
    models: [],
    needs_key: true,
    key_kind: null,
    key_origin: null,
    base_url: null,
  };

  it("take a key and never show it", async () => {
    const calls = serve({
      "GET /api/providers": [provider],
      "PUT /api/providers/anthropic/credential": { ...provider, is_ready: true },
    });
    const { container } = show(<SettingsView section="providers" />);
    expect(await screen.findByText("It has no key yet: sessions cannot ask it.")).toBeVisible();
    await userEvent.click(screen.getByRole("button", { name: "Set a key" }));
    await userEvent.type(screen.getByLabelText("API key"), "sk-1");
    expect(screen.getByLabelText("API key")).toHaveAttribute("type", "password");
    expect(await faultsOf(container)).toEqual([]);
    await userEvent.click(screen.getByRole("button", { name: "Store key" }));
    await waitFor(() => expect(screen.queryByLabelText("API key")).toBeNull());
    expect(calls.find((call) => call.method === "PUT")?.body).toEqual({
      kind: "api_key",
      value: "sk-1",
      base_url: null,
    });
  });

  it("say when the server's environment has set the key, and offer no other", async () => {
    serve({ "GET /api/providers": [{ ...provider, key_kind: "auth_token", key_origin: "environment" }] });
    show(<SettingsView section="providers" />);
    expect(await screen.findByText(/set by the server's environment/)).toBeVisible();
    expect(screen.queryByRole("button", { name: /key/i })).toBeNull();
  });
});

describe("git accounts", () => {
  it("are connected by a token; a refusal keeps it typed", async () => {
    serve({
      "GET /api/git-accounts": [],
      "POST /api/git-accounts": refusal(502, "git.account_refused", "the host refuses the token"),
    });
    const { container } = show(<SettingsView section="git" />);
    await userEvent.type(await screen.findByLabelText("Token"), "ghp_1");
    await userEvent.click(screen.getByRole("button", { name: "Connect" }));
    expect(await screen.findByText("the host refuses the token")).toBeVisible();
    expect(screen.getByLabelText("Token")).toHaveValue("ghp_1");
    expect(await faultsOf(container)).toEqual([]);
  });
});

describe("an app", () => {
  const KEY = "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----";
  const found = [
    { id: 70, account: "ada", has_all_repositories: false, is_suspended: true },
    { id: 71, account: "team", has_all_repositories: true, is_suspended: false },
  ];
  const FIND = "POST /api/git-accounts/installations";

  async function showForm() {
    const shown = show(<SettingsView section="git" />);
    await userEvent.click(await screen.findByRole("tab", { name: "GitHub App" }));
    return shown;
  }

  it("is connected by its key's file and one of its installations", async () => {
    const calls = serve({
      "GET /api/git-accounts": [],
      [FIND]: found,
      "POST /api/git-accounts": { login: "lot-app[bot]" },
    });
    const { container } = await showForm();
    await userEvent.type(screen.getByLabelText("App id"), "7");
    await userEvent.upload(screen.getByLabelText("Or choose the file"), new File([KEY], "app.pem"));
    await waitFor(() => expect(screen.getByLabelText("Private key")).toHaveValue(KEY));
    await userEvent.click(screen.getByRole("button", { name: "Find installations" }));
    const choice = await screen.findByLabelText("Installation");
    expect(choice).toHaveValue("71");
    expect(screen.getByRole("option", { name: "ada (suspended)" })).toBeDisabled();
    expect(await faultsOf(container)).toEqual([]);
    await userEvent.click(screen.getByRole("button", { name: "Connect" }));
    await waitFor(() => expect(screen.getByLabelText("Private key")).toHaveValue(""));
    const app = { kind: "github", url: null, app_id: 7, private_key: KEY };
    expect(calls.filter((call) => call.method === "POST").map((call) => call.body)).toEqual([
      app,
      { ...app, installation_id: 71, name: null },
    ]);
  });

  it("is asked for its installations anew when its key is another", async () => {
    serve({ "GET /api/git-accounts": [], [FIND]: found });
    await showForm();
    await userEvent.type(screen.getByLabelText("App id"), "7");
    await userEvent.type(screen.getByLabelText("Private key"), "a key");
    await userEvent.click(screen.getByRole("button", { name: "Find installations" }));
    expect(await screen.findByLabelText("Installation")).toBeVisible();
    await userEvent.type(screen.getByLabelText("Private key"), "!");
    expect(screen.queryByLabelText("Installation")).toBeNull();
    expect(screen.getByRole("button", { name: "Find installations" })).toBeEnabled();
  });

  it("that is installed nowhere says so, and what is refused stays typed", async () => {
    let answer: object = [];
    serve({ "GET /api/git-accounts": [], [FIND]: () => answer });
    await showForm();
    const find = screen.getByRole("button", { name: "Find installations" });
    expect(find).toBeDisabled();
    await userEvent.type(screen.getByLabelText("App id"), "7");
    await userEvent.type(screen.getByLabelText("Private key"), "a key");
    await userEvent.click(find);
    expect(await screen.findByText(/installed nowhere/)).toBeVisible();
    answer = refusal(502, "git.account_refused", "github.com knows no app 7 with this key");
    await userEvent.click(find);
    expect(await screen.findByText("github.com knows no app 7 with this key")).toBeVisible();
    expect(screen.getByLabelText("Private key")).toHaveValue("a key");
  });
});

describe("usage", () => {
  const day = {
    day: "2026-01-02",
    seconds_on: 90,
    compute_units: 90,
    input_tokens: 1000,
    output_tokens: 500,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
    cost_usd: 0.25,
  };
  const series = { id: "p1", name: "app", days: [{ ...day, day: "2026-01-01", compute_units: 0 }, day] };

  it("is a chart and a table of the same numbers", async () => {
    const calls = serve({
      "GET /api/projects": [],
      "GET /api/usage": { total: { ...series, id: null, name: null }, projects: [series], sessions: [] },
    });
    const { container } = show(<SettingsView section="usage" />);
    expect(await screen.findByRole("img", { name: /Compute units per day, 2 days/ })).toBeVisible();
    expect(screen.getByRole("list", { name: "By project" })).toHaveTextContent("app");
    await userEvent.click(screen.getByText("All numbers, day by day"));
    expect(screen.getByRole("row", { name: "2026-01-02 90 1,500 $0.25 1 min 30 s" })).toBeVisible();
    expect(await faultsOf(container)).toEqual([]);
    await userEvent.click(screen.getByRole("tab", { name: "90 days" }));
    await waitFor(() => expect(calls.some((call) => call.path === "/api/usage?days=90")).toBe(true));
  });

  it("says so where the server keeps none", async () => {
    serve({ "GET /api/projects": [] });
    show(<SettingsView section="usage" />);
    expect(await screen.findByText("This server keeps no usage yet")).toBeVisible();
  });
});

describe("this browser", () => {
  it("changes the theme at once", async () => {
    serve({});
    const { container } = show(<SettingsView section="appearance" />);
    await userEvent.click(await screen.findByRole("radio", { name: "Dark" }));
    expect(document.documentElement).toHaveClass("dark");
    await userEvent.click(screen.getByRole("radio", { name: "Light" }));
    expect(document.documentElement).not.toHaveClass("dark");
    expect(await faultsOf(container)).toEqual([]);
  });

  it("says that it can show no notices", async () => {
    serve({});
    show(<SettingsView section="notices" />);
    expect(await screen.findByRole("switch", { name: "Show notices" })).toBeDisabled();
  });
});
