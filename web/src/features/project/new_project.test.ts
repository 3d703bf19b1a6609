import { describe, expect, it } from "vitest";

import { bodyOf, EMPTY, faultsOf, fieldOf, nameOf, variableNames } from "./new_project";

describe("a new project's body", () => {
  it("leaves to the server what was left empty", () => {
    expect(bodyOf({ ...EMPTY, source: " /srv/app " }, "")).toEqual({
      source: "/srv/app",
      has_browser: false,
      rebuilds_when_stale: false,
    });
  });

  it("has all that was typed", () => {
    const draft = {
      ...EMPTY,
      account: "octo",
      source: "octo/app",
      branch: "dev",
      environment: "A=1\n",
      devCommand: "npm run dev",
      port: "5173",
      processes: [
        { name: "worker", command: "npm run worker" },
        { name: "", command: "" },
      ],
    };
    expect(bodyOf(draft, "large")).toMatchObject({
      size: "large",
      account: "octo",
      source: "octo/app",
      branch: "dev",
      environment_text: "A=1\n",
      dev_command: "npm run dev",
      port: 5173,
      processes: { worker: "npm run worker" },
    });
  });
});

describe("what is wrong with a draft", () => {
  it("is nothing when it has a source", () => {
    expect(faultsOf({ ...EMPTY, source: "/srv/app" })).toEqual({});
  });

  it("is said for each part", () => {
    const faults = faultsOf({ ...EMPTY, port: "70000", name: "-x", processes: [{ name: "w", command: "" }] });
    expect(Object.keys(faults).sort()).toEqual(["name", "port", "processes", "source"]);
  });

  it("is a process without a dev server beside it", () => {
    const processes = [{ name: "worker", command: "run" }];
    expect(faultsOf({ ...EMPTY, source: "x", processes }).processes).toMatch("dev command");
  });
});

describe("where a refusal belongs", () => {
  it.each([
    ["input.invalid", "body.port: Input should be less than 65536", "port"],
    ["input.invalid", "body.environment_text: too long", "environment"],
    ["input.invalid", "a project named app exists already; give another with --name", "name"],
    [
      "input.invalid",
      "the text, line 3: not of the form NAME=value. Next step: mend that line",
      "environment",
    ],
    ["git.repository", "/srv/app has no branch named dev", "branch"],
    ["git.repository", "/srv/app is no git repository", "source"],
    ["git.account_refused", "the host refuses the token", "account"],
    ["internal", "Lot has a defect here", null],
  ])("%s %j: %s", (code, message, field) => {
    expect(fieldOf(code, message)).toBe(field);
  });
});

describe("a source's name", () => {
  it.each([
    ["https://git.example/a/my-app.git/", "my-app"],
    ["git@git.example:a/my app", "my-app"],
    ["/srv/.dotfiles", "dotfiles"],
    ["", ""],
  ])("of %j is %j", (source, name) => {
    expect(nameOf(source)).toBe(name);
  });
});

describe("names in a pasted .env", () => {
  it("are each there once, in order, without comments", () => {
    const text = "# X=1\r\nexport A=1\r\nB = 'x=y'\r\n\r\nA=2\r\nlower.case-1=\r\n";
    expect(variableNames(text)).toEqual(["A", "B", "lower.case-1"]);
  });

  it("are not looked for inside of values of several lines", () => {
    expect(variableNames('KEY="-----BEGIN\nNOT_A_NAME=1\n-----END"\nNEXT=1')).toEqual(["KEY", "NEXT"]);
  });
});
