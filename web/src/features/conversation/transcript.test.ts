import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import type { LivePart, SessionEvent } from "@/api/types";
import type { Frame } from "@/features/session/frames";

import type { Item, ToolItem } from "./items";
import { Transcript } from "./transcript";

const GOLDEN = join(import.meta.dirname, "../../../../tests/golden");
const AT = "2026-11-22T12:00:00Z";

function recorded(name: string): SessionEvent[] {
  const events = JSON.parse(readFileSync(join(GOLDEN, "claude", name), "utf8")) as SessionEvent[];
  return events.map((event) => ({ ...event, at: AT }));
}

function frames(events: readonly object[], from = 1): Frame[] {
  return events.map((event, index) => ({
    type: "event",
    number: from + index,
    event: event as SessionEvent,
  }));
}

function part(fields: Partial<LivePart>): Frame {
  return {
    type: "part",
    part: { kind: "text", key: "m:0", offset: 0, text: "", parent_tool_call_id: null, ...fields },
  };
}

function fold(...given: Frame[][]): Transcript {
  const transcript = new Transcript();
  for (const some of given) transcript.take(some);
  return transcript;
}

const itemsOf = (...given: Frame[][]): readonly Item[] => fold(...given).view().items;
const toolsOf = (items: readonly Item[]) => items.filter((item): item is ToolItem => item.type === "tool");
const text = (said: string, fields: object = {}) => ({
  kind: "agent_text",
  at: AT,
  text: said,
  parent_tool_call_id: null,
  part_key: null,
  ...fields,
});
const call = (id: string, fields: object = {}) => ({
  kind: "tool_called",
  at: AT,
  tool_call_id: id,
  name: "Bash",
  input: {},
  tool_kind: "execute",
  title: "ls",
  parent_tool_call_id: null,
  ...fields,
});
const ended = { kind: "turn_ended", at: AT, outcome: "completed" };

describe("every event that was ever stored", () => {
  for (const name of readdirSync(join(GOLDEN, "events"))) {
    it(`takes ${name}`, () => {
      const event = JSON.parse(readFileSync(join(GOLDEN, "events", name), "utf8")) as SessionEvent;
      const view = fold(frames([event])).view();
      expect(view.newest).toBe(1);
    });
  }
});

describe("a recorded conversation", () => {
  it("comes to the same, whether it is watched live or read at once", () => {
    const events = recorded("conversation.events.json");
    const live = new Transcript();
    for (const frame of frames(events)) {
      live.take([frame]);
      live.view();
    }
    expect(live.view().items).toEqual(itemsOf(frames(events)));
  });

  it("has keys that are all different, and leaves nothing open or running", () => {
    const view = fold(frames(recorded("conversation.events.json"))).view();
    const keys = view.items.map((item) => item.key);
    expect(new Set(keys).size).toBe(keys.length);
    expect(view.openAsks).toEqual([]);
    expect(toolsOf(view.items).filter((tool) => tool.status === "running")).toEqual([]);
  });

  it("puts questions, plans and lists in the place of the calls that they are", () => {
    const items = itemsOf(frames(recorded("conversation.events.json")));
    const names = new Set(toolsOf(items).map((tool) => tool.name));
    expect(names).not.toContain("AskUserQuestion");
    expect(names).not.toContain("ExitPlanMode");
    expect(names).not.toContain("TodoWrite");
    expect(items.filter((item) => item.type === "plan")).toHaveLength(2);
    const lists = items.filter((item) => item.type === "todo");
    expect(lists.map((list) => list.entries.map((entry) => entry.status))).toEqual([
      ["completed", "completed"],
    ]);
  });

  it("nests what a sub-agent does in its call", () => {
    const agent = toolsOf(itemsOf(frames(recorded("conversation.events.json")))).find(
      (tool) => tool.name === "Agent",
    );
    expect(agent?.children.map((child) => child.type)).toEqual(["text", "tool", "text"]);
    expect(agent?.task?.status).toBe("completed");
  });

  it("asks for permission within the call, and remembers how it went", () => {
    const asked = toolsOf(itemsOf(frames(recorded("conversation.events.json")))).filter(
      (tool) => tool.ask !== null,
    );
    expect(asked.map((tool) => tool.ask?.state)).toEqual(["taken", "taken", "taken"]);
    expect(asked.map((tool) => tool.status)).toEqual(["done", "failed", "done"]);
  });

  it("follows a command into the background until it has ended", () => {
    const events = recorded("conversation.events.json");
    const end = events.findIndex(
      (event) =>
        event.kind === "subagent_changed" &&
        event.status === "completed" &&
        event.summary?.startsWith("Background"),
    );
    const before = toolsOf(itemsOf(frames(events.slice(0, end)))).at(-1);
    const after = toolsOf(itemsOf(frames(events.slice(0, end + 1)))).at(-1);
    expect([before?.status, after?.status]).toEqual(["background", "done"]);
  });
});

describe("what is still being written", () => {
  it("grows, and gives its place and key to the event", () => {
    const transcript = fold([part({ text: "Good " }), part({ offset: 5, text: "morning" })]);
    expect(transcript.view().items).toMatchObject([{ key: "m:0", text: "Good morning", isLive: true }]);
    transcript.take(frames([text("Good morning!", { part_key: "m:0" })]));
    expect(transcript.view().items).toMatchObject([{ key: "m:0", text: "Good morning!", isLive: false }]);
  });

  it("is not doubled when a new connection says it again", () => {
    const items = itemsOf(
      [part({ text: "Good mor" })],
      [{ type: "connected" }],
      [part({ text: "Good morning" })],
    );
    expect(items).toMatchObject([{ text: "Good morning" }]);
  });

  it("shows a hole where parts were lost, and takes no character twice", () => {
    const items = itemsOf([
      part({ text: "ab" }),
      part({ offset: 1, text: "bc" }),
      part({ offset: 5, text: "f" }),
    ]);
    expect(items).toMatchObject([{ text: "abc…f" }]);
  });

  it("stands below what was stored meanwhile", () => {
    const message = { kind: "message_added", at: AT, message_id: "1", text: "Wait", attachments: [] };
    const items = itemsOf([part({ text: "Well" })], frames([message]));
    expect(items.map((item) => item.type)).toEqual(["message", "text"]);
  });

  it("goes when the turn ends without it", () => {
    expect(itemsOf([part({ text: "Well" })], frames([ended])).map((item) => item.type)).toEqual(["turn_end"]);
  });

  it("is what a command prints, until its result comes", () => {
    const running = fold(frames([call("t1")]), [part({ kind: "tool_output", key: "t1", text: "one\n" })]);
    running.take([{ type: "connected" }, part({ kind: "tool_output", key: "t1", text: "one\ntwo\n" })]);
    expect(running.view().items).toMatchObject([{ status: "running", output: "one\ntwo\n" }]);
  });

  it("is a call in preparation, until it is made", () => {
    const preparing = fold([part({ kind: "tool_input", key: "t1", text: '{"comm' })]);
    expect(preparing.view().items).toMatchObject([{ key: "t1", status: "preparing" }]);
    preparing.take(frames([call("t1")]));
    expect(preparing.view().items).toMatchObject([{ key: "t1", status: "running", title: "ls" }]);
    expect(preparing.view().items).toHaveLength(1);
  });
});

it("shows a build as one thing: its steps, its log while it goes on, and how it ended", () => {
  const step = (status: string, detail: string) => ({
    kind: "setup_changed",
    at: AT,
    snapshot_id: "s1",
    generation: 1,
    status,
    detail,
    log_end: null,
  });
  const log = part({ kind: "setup_output", key: "s1", text: "added 12 packages" });
  const building = fold(frames([step("step", "npm ci")]), [log]);
  expect(building.view().items).toMatchObject([
    { type: "build", status: "building", log: "added 12 packages" },
  ]);
  building.take(frames([step("ready", "the app answers")], 2));
  expect(building.view().items).toMatchObject([{ status: "ready", detail: "the app answers" }]);
});

describe("a turn", () => {
  it("cuts off what still runs when it ends", () => {
    expect(toolsOf(itemsOf(frames([call("t1"), ended])))[0]?.status).toBe("interrupted");
  });

  it("runs from the message's delivery to its end", () => {
    const delivered = { kind: "message_delivered", at: AT, message_id: "1" };
    expect(fold(frames([delivered])).view().workingSince).toBe(AT);
    expect(fold(frames([delivered, ended])).view().workingSince).toBeNull();
  });

  it("shows one line for retries in a row, which waits no more once something comes", () => {
    const retry = (attempt: number) => ({ kind: "model_retried", at: AT, attempt, delay_s: 1, by: "agent" });
    const waiting = itemsOf(frames([retry(1), retry(2)]));
    expect(waiting).toMatchObject([{ type: "retry", event: { attempt: 2 }, isWaiting: true }]);
    const over = itemsOf(frames([retry(1), retry(2), text("Hello")]));
    expect(over).toMatchObject([{ type: "retry", isWaiting: false }, { type: "text" }]);
  });
});

describe("marks", () => {
  const state = (label: string, reason: string | null = null) => ({
    kind: "state_changed",
    at: AT,
    label,
    reason,
  });

  it("tell once that the session is paused", () => {
    const items = itemsOf(frames([state("Idle"), state("Pausing"), state("Paused"), state("Paused")]));
    expect(items).toMatchObject([{ type: "mark", event: { label: "Paused" } }]);
  });

  it("do not repeat why a turn failed", () => {
    const failed = { kind: "turn_failed", at: AT, reason: "no such key" };
    expect(itemsOf(frames([failed, state("Errored", "no such key")]))).toHaveLength(1);
    expect(itemsOf(frames([state("Errored", "no such branch")]))).toHaveLength(1);
  });

  it("gather the steps of a start into one", () => {
    const step = (name: string) => ({ kind: "step_done", at: AT, step: name, seconds: 1, detail: null });
    const items = itemsOf(frames([state("Starting"), step("boot"), step("sync"), state("Idle")]));
    expect(items).toMatchObject([{ type: "steps", steps: [{ step: "boot" }, { step: "sync" }] }]);
  });

  it("tell that a dev server answers only after trouble", () => {
    const server = (status: string) => ({ kind: "dev_server_changed", at: AT, status });
    expect(itemsOf(frames([server("starting"), server("answering")]))).toEqual([]);
    expect(itemsOf(frames([server("exited"), server("answering")]))).toHaveLength(2);
  });
});

it("keeps the identity of what did not change, so that it is not drawn again", () => {
  const transcript = fold(frames([text("one"), call("t1")]));
  const [before] = transcript.view().items;
  transcript.take(frames([text("two")], 3));
  expect(transcript.view().items[0]).toBe(before);
});
