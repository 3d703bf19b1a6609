import { afterEach, expect, it, vi } from "vitest";

import { showNotice } from "./show_notice";

const SESSION = { id: "abc", title: "Fix the sign-in", project_name: "shop" };

afterEach(() => vi.unstubAllGlobals());

function browser(worker: { showNotification: () => Promise<void> } | null) {
  const made: { title: string; onclick?: () => void; close: () => void }[] = [];
  class Notice {
    static permission = "granted";
    onclick?: () => void;
    close = vi.fn();
    constructor(readonly title: string) {
      made.push(this);
    }
  }
  vi.stubGlobal("Notification", Notice);
  Object.defineProperty(navigator, "serviceWorker", {
    configurable: true,
    value: { getRegistration: () => Promise.resolve(worker && { active: {}, ...worker }) },
  });
  return made;
}

it("is the service worker's where there is one, so that what push brings takes its place", async () => {
  const showNotification = vi.fn(() => Promise.resolve());
  const made = browser({ showNotification });
  await showNotice(SESSION, "is done", vi.fn());
  expect(showNotification).toHaveBeenCalledExactlyOnceWith("Fix the sign-in is done", {
    body: "shop",
    tag: "abc",
    icon: "/icon-192.png",
    data: { session: "abc" },
  });
  expect(made).toEqual([]);
});

it("is the page's own where there is none, and leads to its session", async () => {
  const [made, open] = [browser(null), vi.fn()];
  vi.stubGlobal("focus", vi.fn());
  await showNotice(SESSION, "needs you", open);
  expect(made.map((one) => one.title)).toEqual(["Fix the sign-in needs you"]);
  made[0]!.onclick?.();
  expect(open).toHaveBeenCalledOnce();
});

it("is none where its user wants none", async () => {
  const made = browser(null);
  localStorage.setItem("lot:notices", "off");
  await showNotice(SESSION, "is done", vi.fn());
  expect(made).toEqual([]);
});
