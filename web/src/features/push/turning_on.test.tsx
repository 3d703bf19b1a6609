import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, it, vi } from "vitest";

import { refusal, serve, show } from "@/features/project/test_rig";
import { SettingsView } from "@/features/settings/SettingsView";

const KEY = "BPub";
const DEVICE = {
  id: "d1",
  user_agent: "Firefox/1 Linux",
  made_at: "2026-01-02T03:04:05Z",
  is_current: true,
  failure: null,
};
const ON = { is_on: true, reason: null, public_key: KEY, devices: [] as unknown[] };

afterEach(() => vi.unstubAllGlobals());

/** A browser that has push, and what its user answers when it asks. */
function browser({
  answer = "granted",
  error,
  hangs = false,
}: { answer?: NotificationPermission; error?: Error; hangs?: boolean } = {}) {
  let subscription: object | null = null;
  const made = {
    endpoint: "https://push.example.net/1",
    options: { applicationServerKey: null },
    toJSON: () => ({ keys: { p256dh: "k", auth: "a" } }),
    unsubscribe: vi.fn(() => {
      subscription = null;
      return Promise.resolve(true);
    }),
  };
  const pushManager = {
    getSubscription: () => Promise.resolve(subscription),
    subscribe: vi.fn(() => {
      if (hangs) return new Promise<never>(() => {});
      if (error) return Promise.reject(error);
      subscription = made;
      return Promise.resolve(made);
    }),
  };
  const registration = { pushManager };
  const notification = {
    permission: "default" as NotificationPermission,
    requestPermission: vi.fn(() => Promise.resolve((notification.permission = answer))),
  };
  vi.stubGlobal("Notification", notification);
  vi.stubGlobal("PushManager", {});
  vi.stubGlobal("isSecureContext", true);
  Object.defineProperty(navigator, "serviceWorker", {
    configurable: true,
    value: {
      register: vi.fn(() => Promise.resolve(registration)),
      getRegistration: () => Promise.resolve(registration),
      ready: Promise.resolve(registration),
    },
  });
  return { made, pushManager, notification };
}

const theSwitch = () => screen.findByRole("switch", { name: "Also when Lot is not open" });

async function turn() {
  await waitFor(async () => expect(await theSwitch()).toBeEnabled());
  await userEvent.click(await theSwitch());
}

it("asks for permission, subscribes and tells the server; turned off, both forget it", async () => {
  const { made, pushManager, notification } = browser();
  let devices: unknown[] = [];
  const calls = serve({
    "GET /api/push": () => ({ ...ON, devices }),
    "POST /api/push/devices": () => {
      devices = [DEVICE];
      return DEVICE;
    },
    "DELETE /api/push/devices/d1": () => {
      devices = [];
      return null;
    },
  });
  show(<SettingsView section="notices" />);
  expect(notification.requestPermission).not.toHaveBeenCalled();
  await turn();
  await waitFor(async () => expect(await theSwitch()).toBeChecked());
  expect(notification.requestPermission).toHaveBeenCalledOnce();
  expect(pushManager.subscribe).toHaveBeenCalledExactlyOnceWith({
    userVisibleOnly: true,
    applicationServerKey: KEY,
  });
  expect(calls.find((call) => call.method === "POST")?.body).toEqual({
    endpoint: "https://push.example.net/1",
    keys: { p256dh: "k", auth: "a" },
  });
  expect(screen.getByText("Firefox on Linux")).toBeVisible();
  await turn();
  await waitFor(async () => expect(await theSwitch()).not.toBeChecked());
  expect(made.unsubscribe).toHaveBeenCalledOnce();
  expect(screen.getByText("None yet.")).toBeVisible();
});

it("sends nothing anywhere where the user refuses", async () => {
  const { pushManager } = browser({ answer: "denied" });
  const calls = serve({ "GET /api/push": ON });
  show(<SettingsView section="notices" />);
  await turn();
  expect(await screen.findAllByText(/told to refuse/)).toHaveLength(2);
  expect(pushManager.subscribe).not.toHaveBeenCalled();
  expect(calls.every((call) => call.method === "GET")).toBe(true);
});

it("says the next step where the browser has no push service", async () => {
  browser({ error: new DOMException("Registration failed", "AbortError") });
  serve({ "GET /api/push": ON });
  show(<SettingsView section="notices" />);
  await turn();
  expect(await screen.findByText(/Registration failed\). Next step: /)).toBeVisible();
  expect(await theSwitch()).not.toBeChecked();
});

it("gives up a push service that never answers, and can be tried again", async () => {
  browser({ hangs: true });
  serve({ "GET /api/push": ON });
  show(<SettingsView section="notices" />);
  await waitFor(async () => expect(await theSwitch()).toBeEnabled());
  vi.useFakeTimers({ toFake: ["setTimeout"], shouldAdvanceTime: true });
  fireEvent.click(await theSwitch());
  expect(await screen.findByText(/asks its push service/)).toBeVisible();
  await act(() => vi.advanceTimersByTimeAsync(20_000));
  expect(await screen.findByText(/no answer for 20 s\). Next step: /)).toBeVisible();
  expect(await theSwitch()).toBeEnabled();
  vi.useRealTimers();
});

it("gives the subscription up where the server refuses it", async () => {
  const { made } = browser();
  serve({
    "GET /api/push": ON,
    "POST /api/push/devices": refusal(422, "input.invalid", "push.example.net is not on the list"),
  });
  show(<SettingsView section="notices" />);
  await turn();
  expect(await screen.findByText("push.example.net is not on the list")).toBeVisible();
  expect(made.unsubscribe).toHaveBeenCalledOnce();
});

it("is switched off with all notices", async () => {
  const { made } = browser();
  let devices: unknown[] = [];
  serve({
    "GET /api/push": () => ({ ...ON, devices }),
    "POST /api/push/devices": () => ((devices = [DEVICE]), DEVICE),
    "DELETE /api/push/devices/d1": () => ((devices = []), null),
  });
  show(<SettingsView section="notices" />);
  await turn();
  await waitFor(async () => expect(await theSwitch()).toBeChecked());
  await userEvent.click(screen.getByRole("switch", { name: "Show notices" }));
  await waitFor(async () => expect(await theSwitch()).not.toBeChecked());
  expect(made.unsubscribe).toHaveBeenCalledOnce();
});

it("is given up by this browser when its user signs out", async () => {
  const { made, pushManager } = browser();
  await pushManager.subscribe();
  const calls = serve({
    "GET /api/sign-in": { is_signed_in: true, user: { name: "ada" }, has_users: true, methods: [] },
    "GET /api/browser-sessions": [],
    "GET /api/tokens": [],
    "POST /api/sign-out": null,
  });
  show(<SettingsView section="account" />);
  await userEvent.click(await screen.findByRole("button", { name: "Sign out" }));
  await waitFor(() => expect(made.unsubscribe).toHaveBeenCalledOnce());
  expect(calls.some((call) => call.path === "/api/sign-out")).toBe(true);
});
