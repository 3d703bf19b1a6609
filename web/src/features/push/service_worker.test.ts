import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runInNewContext } from "node:vm";

import { describe, expect, it, vi } from "vitest";

const SCRIPT = readFileSync(join(import.meta.dirname, "../../../public/service-worker.js"), "utf8");
const TOLD = { session: "abc", title: "Fix the sign-in needs you", body: "shop" };

interface Window {
  url: string;
  focused: boolean;
  visibilityState: "visible" | "hidden";
  focus: () => Promise<void>;
  postMessage: (message: unknown) => void;
}

function windowAt(path: string, isLookedAt: boolean): Window {
  return {
    url: `https://lot.example.org${path}`,
    focused: isLookedAt,
    visibilityState: isLookedAt ? "visible" : "hidden",
    focus: vi.fn(() => Promise.resolve()),
    postMessage: vi.fn(),
  };
}

/** Runs the worker as it is served, in a browser with these windows. */
function worker(windows: Window[] = [], answers: Record<string, unknown> = {}) {
  const listeners = new Map<string, (event: object) => void>();
  const showNotification = vi.fn(() => Promise.resolve());
  const openWindow = vi.fn(() => Promise.resolve(null));
  const subscription = {
    toJSON: () => ({ endpoint: "https://push/new", expirationTime: null, keys: { p256dh: "k", auth: "a" } }),
  };
  const subscribe = vi.fn(() => Promise.resolve(subscription));
  const fetch = vi.fn((path: string, init?: RequestInit) =>
    Promise.resolve(
      path in answers || init ? Response.json(answers[path] ?? {}) : new Response(null, { status: 401 }),
    ),
  );
  const self = {
    addEventListener: (name: string, listener: (event: object) => void) => listeners.set(name, listener),
    skipWaiting: vi.fn(),
    registration: { showNotification, pushManager: { subscribe } },
    clients: { matchAll: () => Promise.resolve(windows), openWindow },
  };
  runInNewContext(SCRIPT, { self, fetch, URL });
  const dispatch = async (name: string, event: object) => {
    let done: Promise<unknown> = Promise.resolve();
    listeners.get(name)!({ ...event, waitUntil: (promise: Promise<unknown>) => (done = promise) });
    await done;
  };
  return {
    listeners,
    showNotification,
    openWindow,
    subscribe,
    subscription,
    fetch,
    push: (data: unknown) => dispatch("push", { data: { json: () => data } }),
    click: (session: string) =>
      dispatch("notificationclick", { notification: { close: vi.fn(), data: { session } } }),
    change: (newSubscription: unknown) => dispatch("pushsubscriptionchange", { newSubscription }),
  };
}

it("keeps no page: it answers no requests", () => {
  expect([...worker().listeners.keys()]).not.toContain("fetch");
});

describe("a notice", () => {
  it("is shown under its session's tag, so that a later one takes its place", async () => {
    const { push, showNotification } = worker([
      windowAt("/sessions/other", true),
      windowAt("/sessions/abc", false),
    ]);
    await push(TOLD);
    expect(showNotification).toHaveBeenCalledExactlyOnceWith("Fix the sign-in needs you", {
      body: "shop",
      tag: "abc",
      icon: "/icon-192.png",
      data: { session: "abc" },
    });
  });

  it.each(["/sessions/abc", "/sessions/abc/diff?file=a"])(
    "is not shown to one who looks at %s",
    async (path) => {
      const { push, showNotification } = worker([windowAt(path, true)]);
      await push(TOLD);
      expect(showNotification).not.toHaveBeenCalled();
    },
  );

  it.each([{ session: "abc" }, "words", null])(
    "that cannot be read (%o) is told all the same",
    async (data) => {
      const { push, showNotification } = worker([windowAt("/", true)]);
      await push(data);
      expect(showNotification).toHaveBeenCalledExactlyOnceWith("Lot", expect.anything());
    },
  );
});

describe("a click", () => {
  it("opens the session where no window is open", async () => {
    const { click, openWindow } = worker();
    await click("abc");
    expect(openWindow).toHaveBeenCalledExactlyOnceWith("/sessions/abc");
  });

  it("has an open window go there, and fetches it to the front", async () => {
    const open = windowAt("/settings", false);
    const { click, openWindow } = worker([open]);
    await click("abc");
    expect(open.postMessage).toHaveBeenCalledExactlyOnceWith({ session: "abc" });
    expect(open.focus).toHaveBeenCalledOnce();
    expect(openWindow).not.toHaveBeenCalled();
  });

  it("takes the window that shows the session already", async () => {
    const [other, there] = [windowAt("/", true), windowAt("/sessions/abc/logs", false)];
    await worker([other, there]).click("abc");
    expect(there.focus).toHaveBeenCalledOnce();
    expect(there.postMessage).not.toHaveBeenCalled();
    expect(other.focus).not.toHaveBeenCalled();
  });
});

describe("a subscription that the push service has ended", () => {
  const on = { is_on: true, public_key: "key", devices: [{ is_current: true }] };

  it("is made anew with the server's key, and told to the server", async () => {
    const { change, subscribe, fetch } = worker([], { "/api/push": on });
    await change(null);
    expect(subscribe).toHaveBeenCalledExactlyOnceWith({ userVisibleOnly: true, applicationServerKey: "key" });
    const [path, init] = fetch.mock.calls[1]!;
    expect([path, init?.method]).toEqual(["/api/push/devices", "POST"]);
    expect(JSON.parse(init?.body as string)).toEqual({
      endpoint: "https://push/new",
      keys: { p256dh: "k", auth: "a" },
    });
  });

  it("is told where the browser has made it anew by itself", async () => {
    const { change, subscribe, subscription, fetch } = worker([], { "/api/push": on });
    await change(subscription);
    expect(subscribe).not.toHaveBeenCalled();
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it.each([{ ...on, is_on: false }, { ...on, devices: [{ is_current: false }] }, undefined])(
    "stays ended where its user wants none, or was signed out (%o)",
    async (push) => {
      const { change, subscribe, fetch } = worker([], push && { "/api/push": push });
      await change(null);
      expect(subscribe).not.toHaveBeenCalled();
      expect(fetch).toHaveBeenCalledOnce();
    },
  );
});
