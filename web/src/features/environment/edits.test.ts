import { describe, expect, it } from "vitest";

import type { EnvironmentBody } from "@/api/types";

import {
  countEdits,
  looksLikeDotenv,
  meanwhile,
  nameProblem,
  NO_EDITS,
  patchOf,
  remove,
  rowsOf,
  seenOf,
  setValue,
  take,
  undo,
} from "./edits";

const environment = (version: number, changedAt: Record<string, string>): EnvironmentBody => ({
  version,
  variables: Object.entries(changedAt).map(([name, changed_at]) => ({ name, value: null, changed_at })),
  sessions_to_restart: [],
});

describe("edits", () => {
  const edits = remove(setValue(setValue(NO_EDITS, "A", "1"), "NEW", "2"), "B", true);

  it("are shown beside what is there", () => {
    expect(rowsOf(["A", "B", "C"], edits)).toEqual([
      { name: "A", state: "changed", value: "1" },
      { name: "B", state: "removed", value: null },
      { name: "C", state: "same", value: null },
      { name: "NEW", state: "added", value: "2" },
    ]);
    expect(countEdits(edits)).toBe(3);
  });

  it("can be taken back one by one", () => {
    expect(countEdits(undo(undo(undo(edits, "A"), "B"), "NEW"))).toBe(0);
    expect(remove(edits, "NEW", false)).toEqual(undo(edits, "NEW"));
    expect(setValue(edits, "B", "x").unset).toEqual([]);
  });

  it("become a patch that takes away only what is still there", () => {
    expect(patchOf(edits, ["A", "B"], 4)).toEqual({
      text: null,
      set: { A: "1", NEW: "2" },
      unset: ["B"],
      version: 4,
    });
    expect(patchOf(edits, ["A"], 4).unset).toEqual([]);
  });

  it("take a pasted file, without what is so already", () => {
    const taken = take(remove(NO_EDITS, "A", true), { A: "1", B: "other", C: "" }, { A: "1", B: "2" });
    expect(taken).toEqual({ set: { B: "other", C: "" }, unset: [] });
  });
});

describe("what somebody else did meanwhile", () => {
  it("is told by name", () => {
    const seen = seenOf(environment(1, { A: "t1", B: "t1", C: "t1" }));
    expect(meanwhile(seen, environment(2, { A: "t1", B: "t2", D: "t2" }))).toEqual({
      added: ["D"],
      changed: ["B"],
      removed: ["C"],
    });
  });
});

describe("a new name", () => {
  it("is refused where the server would", () => {
    expect(nameProblem("GOOD_1", [])).toBeNull();
    expect(nameProblem("1BAD", [])).toContain("digit");
    expect(nameProblem("A B", [])).not.toBeNull();
    expect(nameProblem("TAKEN", ["TAKEN"])).toContain("already");
  });

  it("is told from a pasted file", () => {
    expect(looksLikeDotenv("# x\nexport A=1\nB=2")).toBe(true);
    expect(looksLikeDotenv("DATABASE_URL")).toBe(false);
  });
});
