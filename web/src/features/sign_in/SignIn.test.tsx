import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";

import { faultsOf, refusal, serve, show } from "@/features/project/test_rig";

import { SignIn } from "./SignIn";

const READY = { is_signed_in: false, user: null, has_users: true, methods: [{ kind: "password" }] };

describe("signing in", () => {
  it("sends name and password, and goes on", async () => {
    const calls = serve({ "GET /api/sign-in": READY, "POST /api/sign-in": { name: "ada" } });
    const onDone = vi.fn();
    const { container } = show(<SignIn onDone={onDone} />);
    await userEvent.type(await screen.findByLabelText("Name"), " ada ");
    await userEvent.type(screen.getByLabelText("Password"), "correct horse{Enter}");
    await waitFor(() => expect(onDone).toHaveBeenCalledOnce());
    expect(calls.at(-1)?.body).toEqual({ name: "ada", password: "correct horse" });
    expect(await faultsOf(container)).toEqual([]);
  });

  it("keeps what was typed when it is refused, and says why", async () => {
    serve({
      "GET /api/sign-in": READY,
      "POST /api/sign-in": refusal(403, "auth.refused", "name or password is wrong"),
    });
    show(<SignIn onDone={vi.fn()} />);
    await userEvent.type(await screen.findByLabelText("Name"), "ada");
    await userEvent.type(screen.getByLabelText("Password"), "wrong{Enter}");
    expect(await screen.findByText("name or password is wrong")).toBeVisible();
    expect(screen.getByLabelText("Name")).toHaveValue("ada");
  });

  it("counts down after too many attempts and takes none before", async () => {
    serve({
      "GET /api/sign-in": READY,
      "POST /api/sign-in": refusal(429, "auth.too_many_attempts", "wait", { "Retry-After": "870" }),
    });
    show(<SignIn onDone={vi.fn()} />);
    await userEvent.type(await screen.findByLabelText("Name"), "ada");
    await userEvent.type(screen.getByLabelText("Password"), "wrong{Enter}");
    expect(await screen.findByText("14:30")).toBeVisible();
    expect(screen.getByRole("button", { name: "Sign in" })).toBeDisabled();
  });

  it("leaves at once who is signed in already", async () => {
    serve({ "GET /api/sign-in": { ...READY, is_signed_in: true, user: { name: "ada" } } });
    const onDone = vi.fn();
    show(<SignIn onDone={onDone} />);
    await waitFor(() => expect(onDone).toHaveBeenCalled());
  });

  it("sends one to the server's link while there is no user", async () => {
    serve({ "GET /api/sign-in": { ...READY, has_users: false } });
    const { container } = show(<SignIn onDone={vi.fn()} />);
    expect(await screen.findByText(/printed a link that makes the first user/)).toBeVisible();
    expect(screen.queryByLabelText("Password")).toBeNull();
    expect(await faultsOf(container)).toEqual([]);
  });

  it("offers others' sign-in, and takes no foreign address along", async () => {
    const methods = [{ kind: "oidc", name: "Keycloak", url: "/api/sign-in/oidc/keycloak" }];
    serve({ "GET /api/sign-in": { ...READY, methods } });
    show(<SignIn to="https://evil.example/" onDone={vi.fn()} />);
    const link = await screen.findByRole("link", { name: "Sign in with Keycloak" });
    expect(link).toHaveAttribute("href", `${location.origin}/api/sign-in/oidc/keycloak?to=%2F`);
    expect(screen.queryByLabelText("Password")).toBeNull();
  });
});

describe("a one-time link", () => {
  it("makes the first user, after both passwords are the same", async () => {
    const calls = serve({
      "POST /api/sign-in/link/check": { user: null },
      "POST /api/sign-in/link": { name: "ada" },
    });
    const onDone = vi.fn();
    const { container } = show(<SignIn link="s3cret" onDone={onDone} />);
    await userEvent.type(await screen.findByLabelText("Name"), "ada");
    await userEvent.type(screen.getByLabelText("New password"), "short");
    await userEvent.click(screen.getByRole("button", { name: "Create and sign in" }));
    expect(screen.getByText("Use at least 8 characters.")).toBeVisible();
    await userEvent.type(screen.getByLabelText("New password"), " but longer");
    await userEvent.type(screen.getByLabelText("The same again"), "short but longer{Enter}");
    await waitFor(() => expect(onDone).toHaveBeenCalledOnce());
    expect(calls.at(-1)?.body).toEqual({ link: "s3cret", name: "ada", password: "short but longer" });
    expect(await faultsOf(container)).toEqual([]);
  });

  it("lets a user in again who keeps the password", async () => {
    const calls = serve({
      "POST /api/sign-in/link/check": { user: { name: "ada" } },
      "POST /api/sign-in/link": { name: "ada" },
    });
    const onDone = vi.fn();
    show(<SignIn link="s3cret" onDone={onDone} />);
    await screen.findByText("Welcome back, ada");
    await userEvent.click(screen.getByRole("button", { name: "Sign in" }));
    await waitFor(() => expect(onDone).toHaveBeenCalledOnce());
    expect(calls.at(-1)?.body).toEqual({ link: "s3cret" });
  });

  it("says how to get another when it is spent", async () => {
    serve({ "POST /api/sign-in/link/check": refusal(403, "auth.refused", "it was used") });
    show(<SignIn link="old" onDone={vi.fn()} />);
    expect(await screen.findByText("This link does not let anybody in")).toBeVisible();
  });
});
