import { describe, expect, it } from "vitest";

import { actionsFor, labelOf, LABELS } from "./label";

describe("what a label allows", () => {
  it("offers to resume only what is paused", () => {
    expect(LABELS.filter((label) => actionsFor(label).includes("resume"))).toEqual(["Paused"]);
  });

  it("offers to stop only while there is a turn", () => {
    expect(LABELS.filter((label) => actionsFor(label).includes("stop"))).toEqual([
      "Running",
      "Waiting for user",
    ]);
  });

  it("offers nothing that moves a session which is moving", () => {
    for (const label of ["Starting", "Pausing", "Resuming"] as const) expect(actionsFor(label)).toEqual([]);
  });

  it("takes an unknown label for a quiet session", () => {
    expect(labelOf({ label: "Dreaming" })).toBe("Idle");
  });
});
