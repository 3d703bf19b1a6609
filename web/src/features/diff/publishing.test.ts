import { describe, expect, it } from "vitest";

import { publishState, sumUpChecks } from "./publishing";
import { webAddress } from "./web_address";

describe("the pull request button", () => {
  it("creates, or updates the one that is open", () => {
    expect(publishState(null, true, "Idle")).toEqual({ verb: "Create PR", whyNot: null, hint: null });
    expect(publishState({ state: "open", number: 3 }, true, "Idle").verb).toBe("Update PR");
  });

  it("says plainly that a merged one is not updated", () => {
    const state = publishState({ state: "merged", number: 3 }, true, "Idle");
    expect(state.verb).toBe("Create PR");
    expect(state.hint).toContain("#3 is merged");
  });

  it("cannot be pressed where there is nothing to publish, and says why", () => {
    expect(publishState(null, false, "Idle").whyNot).toContain("no file has changed");
    expect(publishState(null, true, "Starting").whyNot).toContain("starting");
  });

  it("works while paused and while the agent runs, and says what that means", () => {
    expect(publishState(null, true, "Paused")).toMatchObject({
      whyNot: null,
      hint: "Wakes the session to push its work",
    });
    expect(publishState(null, true, "Running").whyNot).toBeNull();
  });
});

describe("checks", () => {
  const check = (name: string, status: string, conclusion: string | null = null) => ({
    name,
    status,
    conclusion,
  });

  it("that failed come before those that run, and those before what passed", () => {
    const passed = check("lint", "completed", "success");
    const running = check("test", "in_progress");
    expect(sumUpChecks([])).toBeNull();
    expect(sumUpChecks([passed, check("docs", "completed", "skipped")])?.state).toBe("passed");
    expect(sumUpChecks([passed, running])).toMatchObject({ state: "running", words: "1 of 2 passed" });
    expect(sumUpChecks([passed, running, check("build", "completed", "timed_out")])).toEqual({
      state: "failed",
      words: "1 of 3 failed",
      names: "build",
    });
  });
});

describe("a git host's address", () => {
  it("becomes a link only if it is one of the web", () => {
    const here = "https://lot.example/sessions/a";
    expect(webAddress("https://git.example/pulls/1", here)).toBe("https://git.example/pulls/1");
    expect(webAddress("/api/pulls/1", here)).toBe("https://lot.example/api/pulls/1");
    expect(webAddress("javascript:alert(1)", here)).toBeNull();
    expect(webAddress("data:text/html,x", here)).toBeNull();
    expect(webAddress("http://", here)).toBeNull();
  });
});
