import { describe, expect, it } from "vitest";

import { destinationOf } from "./destination";

const ORIGIN = "https://lot.example";

describe("where one goes after signing in", () => {
  it("is the page one came from, with all that its address says", () => {
    expect(destinationOf("/sessions/a/diff?file=x#l3", ORIGIN)).toBe("/sessions/a/diff?file=x#l3");
  });

  it.each([
    undefined,
    "",
    "sessions",
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "/\t/evil.example",
    "javascript:alert(1)",
    "https://lot.example.evil.example/",
    "//[",
  ])("is home for %j", (to) => {
    expect(destinationOf(to, ORIGIN)).toBe("/");
  });

  it("never names another host by a path that resolves to one", () => {
    expect(destinationOf("/.//evil.example", ORIGIN)).toBe("/evil.example");
  });

  it("is not the sign-in page again", () => {
    expect(destinationOf("/sign-in?to=/sign-in", ORIGIN)).toBe("/");
  });
});
