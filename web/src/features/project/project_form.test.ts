import { describe, expect, it } from "vitest";

import type { ProjectBody } from "@/api/types";

import { stepsOf } from "./build_log";
import { changesOf, faultOf, formOf } from "./project_form";

const PROJECT = {
  name: "app",
  branch: "main",
  setup_command: "npm ci",
  dev_command: "npm run dev",
  port: 5173,
  processes: {},
  size: "small",
  image: null,
  has_browser: false,
  rebuilds_when_stale: false,
  budget_tokens: null,
  budget_usd: 5,
} as ProjectBody;

describe("changes of a project", () => {
  it("are none where nothing was changed", () => {
    expect(changesOf(PROJECT, formOf(PROJECT))).toEqual({});
  });

  it("are what differs, and null for what was emptied", () => {
    const form = { ...formOf(PROJECT), port: "", budgetUsd: "", devCommand: " make dev ", hasBrowser: true };
    expect(changesOf(PROJECT, form)).toEqual({
      port: null,
      budget_usd: null,
      dev_command: "make dev",
      has_browser: true,
    });
  });

  it.each([{ name: " " }, { branch: "" }, { port: "0" }, { budgetTokens: "1.5" }, { budgetUsd: "-1" }])(
    "are refused with %j",
    (wrong) => {
      expect(faultOf({ ...formOf(PROJECT), ...wrong })).not.toBeNull();
      expect(faultOf(formOf(PROJECT))).toBeNull();
    },
  );
});

describe("steps of a build", () => {
  const log = "[lot] booting the sandbox\n[lot] running the setup command: npm ci\nadded 3 packages\n";

  it("are the server's own lines, the last of them where it is", () => {
    expect(stepsOf(log, "building")).toEqual([
      { name: "Booting the sandbox", state: "done" },
      { name: "Running the setup command: npm ci", state: "running" },
    ]);
  });

  it("end where the build ended", () => {
    expect(stepsOf(log, "ready").map((step) => step.state)).toEqual(["done", "done"]);
    expect(stepsOf(log, "failed").map((step) => step.state)).toEqual(["done", "failed"]);
  });
});
