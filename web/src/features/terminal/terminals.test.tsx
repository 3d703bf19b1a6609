import { beforeEach, describe, expect, it, vi } from "vitest";

import type { ProcessBody } from "@/api/types";

import * as queries from "./queries";
import { Terminals } from "./terminals";

vi.mock("./live_terminal", () => ({
  LiveTerminal: class {
    status = "open";
    size = { rows: 30, columns: 100 };
    shown = "";
    readonly name: string;
    constructor(
      readonly session: string,
      process: ProcessBody,
      readonly number: number,
    ) {
      this.name = process.name;
    }
    showKept(text: string): void {
      this.shown = text;
    }
    dispose(): void {}
  },
}));

const process = (name: string, isRunning = true) => ({ name, is_running: isRunning }) as ProcessBody;
const names = (terminals: Terminals) => terminals.state.tabs.map((tab) => tab.name);

beforeEach(() => {
  vi.spyOn(queries, "listTerminals").mockResolvedValue([process("terminal-a"), process("terminal-b", false)]);
  vi.spyOn(queries, "openTerminal").mockResolvedValue(process("terminal-n"));
  vi.spyOn(queries, "closeTerminal").mockResolvedValue(undefined);
  vi.spyOn(queries, "readKeptLog").mockResolvedValue("before");
});

describe("a session's terminals", () => {
  it("are found again after a reload, each once, without those that have ended", async () => {
    const terminals = new Terminals("s1");
    await Promise.all([terminals.find(), terminals.find()]);
    await terminals.find();
    expect(names(terminals)).toEqual(["terminal-a"]);
    expect(terminals.state.active).toBe("terminal-a");
    expect(queries.openTerminal).not.toHaveBeenCalled();
  });

  it("begin with a new one where there is none", async () => {
    vi.mocked(queries.listTerminals).mockResolvedValue([]);
    const terminals = new Terminals("s1");
    await terminals.find();
    expect(names(terminals)).toEqual(["terminal-n"]);
  });

  it("show what was kept of them while the sandbox is off, and stay the same when it comes on", async () => {
    const terminals = new Terminals("s1");
    await terminals.findKept();
    const [tab] = terminals.state.tabs;
    expect(tab).toMatchObject({ name: "terminal-a", shown: "before" });
    await terminals.find();
    expect(terminals.state.tabs).toEqual([tab]);
  });

  it("keep a tab whose shell could not be ended, and say why", async () => {
    const terminals = new Terminals("s1");
    await terminals.find();
    vi.mocked(queries.closeTerminal).mockRejectedValueOnce(new Error("not reached"));
    await terminals.close("terminal-a");
    expect(names(terminals)).toEqual(["terminal-a"]);
    expect(terminals.state.error).toBe("not reached");
    await terminals.close("terminal-a");
    expect(terminals.state).toMatchObject({ tabs: [], active: null, error: null });
  });
});
