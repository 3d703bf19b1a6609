/** What is still being written: shown at the end of its container until the event comes that takes its place. */
import type { EventOf, LivePart } from "@/api/types";

import type { Item, TextItem, ToolItem } from "./items";
import type { Container, Tree } from "./tree";

/** So much of the end of a running command's output is kept. */
const OUTPUT_CHARS = 64 * 1024;

export class LiveParts {
  /** Characters that came of each key so far, also those no longer kept. */
  private readonly ends = new Map<string, number>();

  constructor(private readonly tree: Tree) {}

  take(part: LivePart): void {
    switch (part.kind) {
      case "reset":
        this.reset();
        return;
      case "text":
      case "thought":
        this.write(part, (text) => ({
          type: part.kind as TextItem["type"],
          key: part.key,
          at: "",
          text,
          isLive: true,
        }));
        return;
      case "tool_input":
        if (this.tree.find(part.key) === null) this.write(part, (text) => preparing(part.key, text));
        return;
      case "tool_output":
        this.tree.changeTool(part.key, (tool) =>
          isOpen(tool) ? { ...tool, output: this.joined(part, tool.output).slice(-OUTPUT_CHARS) } : tool,
        );
        return;
      case "setup_output":
        this.tree.change(buildKey(part.key), (item) =>
          item.type === "build" && item.status === "building"
            ? { ...item, log: this.joined(part, item.log).slice(-OUTPUT_CHARS) }
            : item,
        );
        return;
    }
  }

  /** Forgets what is being written; what commands have printed so far stays with their calls. */
  reset(): void {
    for (const container of this.tree.containers()) {
      for (const key of container.live.keys()) this.ends.delete(key);
      this.tree.dropLive(container, () => true);
    }
  }

  /** Puts a finished text in the place of the parts that it was streamed as. */
  settle(key: string, event: EventOf<"agent_text"> | EventOf<"agent_thought">): void {
    const type = event.kind === "agent_text" ? "text" : "thought";
    const container = this.tree.container(event.parent_tool_call_id);
    const partKey = event.part_key;
    // Without a key it is whatever of its kind was being written there.
    this.tree.dropLive(container, (item) => (partKey === null ? item.type === type : item.key === partKey));
    const kept = partKey !== null && this.tree.find(partKey) === null ? partKey : key;
    this.ends.delete(kept);
    this.tree.add(container, { type, key: kept, at: event.at, text: event.text, isLive: false });
  }

  /** A call is known from now on, so it is no longer being prepared. */
  prepared(container: Container, key: string): void {
    this.ends.delete(key);
    this.tree.dropLive(container, (item) => item.key === key);
  }

  private write(part: LivePart, make: (text: string) => Item): void {
    const container = this.tree.container(part.parent_tool_call_id);
    const known = container.live.get(part.key);
    const before =
      known === undefined ? "" : known.type === "tool" ? known.output : "text" in known ? known.text : "";
    if (known === undefined) this.ends.delete(part.key);
    this.tree.setLive(container, make(this.joined(part, before)));
  }

  /** Returns a text with a part put to it; what was there already is not put again, and a hole is shown. */
  private joined(part: LivePart, before: string): string {
    const isAnew = part.offset === 0;
    const end = isAnew ? 0 : (this.ends.get(part.key) ?? 0);
    this.ends.set(part.key, Math.max(end, part.offset + part.text.length));
    const hole = part.offset > end ? "…" : "";
    return (isAnew ? "" : before) + hole + part.text.slice(Math.max(0, end - part.offset));
  }
}

function isOpen(tool: ToolItem): boolean {
  return tool.status === "running" || tool.status === "background";
}

function preparing(key: string, input: string): ToolItem {
  return { ...emptyTool(key, ""), status: "preparing", output: input };
}

/** The key of what is shown of a snapshot's build. */
export function buildKey(snapshot: string): string {
  return `build-${snapshot}`;
}

/** Returns a call of which nothing is known yet. */
export function emptyTool(key: string, at: string): ToolItem {
  return {
    type: "tool",
    key,
    at,
    name: "",
    kind: "other",
    title: "",
    input: {},
    status: "running",
    output: "",
    isTruncated: false,
    path: null,
    hunks: [],
    isNewFile: false,
    images: 0,
    endedAt: null,
    ask: null,
    children: [],
    task: null,
  };
}
