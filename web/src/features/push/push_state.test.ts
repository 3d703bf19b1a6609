import { describe, expect, it } from "vitest";

import { pushFault, pushHint, pushState, type PushSupport } from "./push_state";

const ABLE: PushSupport = { isSecure: true, hasPush: true, isAppleTab: false, permission: "granted" };

describe("how it stands with push", () => {
  it.each([
    [{}, true, true, true, "on"],
    [{}, true, true, false, "off"],
    [{}, true, false, true, "off"],
    [{}, true, false, false, "off"],
    [{}, null, false, false, "unknown"],
    [{ permission: "default" }, true, false, false, "off"],
    [{ permission: "default" }, true, true, true, "off"],
    [{ permission: "denied" }, true, true, true, "denied"],
    [{ hasPush: false }, true, false, false, "unsupported"],
    [{ hasPush: false, isAppleTab: true }, true, false, false, "home_screen"],
    [{ isSecure: false, hasPush: false }, true, false, false, "insecure"],
    [{}, false, true, true, "off_by_server"],
  ] as const)(
    "%o, on at the server %s, subscribed %s, known %s: %s",
    (browser, server, here, known, state) => {
      expect(pushState({ ...ABLE, ...browser }, server, here, known)).toBe(state);
    },
  );

  it("names the next step where something stands in the way", () => {
    expect(pushHint("off_by_server", "LOT_PUSH_HOSTS is empty")).toBe("LOT_PUSH_HOSTS is empty");
    expect(pushHint("home_screen", null)).toContain("home screen");
    expect(pushHint("insecure", null)).toContain("LOT_PUBLIC_URL");
    expect(pushHint("denied", null)).toContain("allow them");
  });
});

describe("a browser that could not be subscribed", () => {
  it("names the next step", () => {
    const missing = new DOMException("Registration failed - push service not available", "AbortError");
    expect(pushFault(missing).message).toMatch(/push service not available\). Next step: /);
    for (const name of ["NotAllowedError", "AbortError"]) {
      const refused = new DOMException("Registration failed - permission denied", name);
      expect(pushFault(refused).message).toMatch(/Next step: allow notices/);
    }
  });

  it("says what else went wrong in its own words", () => {
    const error = new Error("no network");
    expect(pushFault(error)).toBe(error);
    expect(pushFault("odd").message).toBe("odd");
  });
});
