/** Calls of tools: from being called to their end, with what sub-agents and background commands do after it. */
import type { EventOf } from "@/api/types";

import type { Hunk, ToolItem } from "./items";
import { emptyTool, type LiveParts } from "./live_parts";
import type { Tree } from "./tree";

/** Shown as the list of things to do itself, not as a call. */
const SHOWN_AS_LIST = "TodoWrite";

export class Tools {
  private readonly running = new Set<string>();

  constructor(
    private readonly tree: Tree,
    private readonly live: LiveParts,
  ) {}

  called(event: EventOf<"tool_called">): void {
    const key = event.tool_call_id;
    const container = this.tree.container(event.parent_tool_call_id);
    this.live.prepared(container, key);
    if (event.name === SHOWN_AS_LIST) return;
    this.running.add(key);
    const known = {
      name: event.name,
      kind: event.tool_kind,
      title: event.title ?? event.name,
      input: event.input,
    };
    // A question may have been told before its call.
    if (this.tree.find(key) !== null) this.tree.changeTool(key, (tool) => ({ ...tool, ...known }));
    else this.tree.add(container, { ...emptyTool(key, event.at), ...known });
  }

  finished(event: EventOf<"tool_finished">): void {
    this.running.delete(event.tool_call_id);
    this.tree.changeTool(event.tool_call_id, (tool) => ({
      ...tool,
      status: statusOf(event),
      // What a background command prints comes as parts; the call's own result only says that it was started.
      output: event.is_in_background ? tool.output : event.output,
      isTruncated: event.is_truncated,
      path: event.path,
      hunks: hunksOf(event.patch),
      isNewFile: event.is_new_file,
      images: event.images,
      endedAt: event.at,
    }));
  }

  /** Returns whether the task belongs to a call that is known. */
  taskChanged(event: EventOf<"subagent_changed">): boolean {
    const key = event.tool_call_id;
    if (key === null || this.tree.find(key)?.type !== "tool") return false;
    this.tree.changeTool(key, (tool) => ({
      ...tool,
      task: { status: event.status, summary: event.summary ?? tool.task?.summary ?? null },
      ...(tool.status === "background" &&
        event.status !== "running" && { status: TASK_ENDS[event.status], endedAt: event.at }),
    }));
    return true;
  }

  /** Marks every call that goes on in the foreground as cut off. */
  interrupt(): void {
    for (const key of this.running) {
      this.tree.changeTool(key, (tool) =>
        tool.status === "running" ? { ...tool, status: "interrupted" } : tool,
      );
    }
    this.running.clear();
  }
}

const TASK_ENDS = { completed: "done", failed: "failed", stopped: "interrupted" } as const;

function statusOf(event: EventOf<"tool_finished">): ToolItem["status"] {
  if (event.is_interrupted) return "interrupted";
  if (event.is_in_background) return "background";
  return event.is_error ? "failed" : "done";
}

/** Returns the hunks of an edit as the tool reports them; what does not look like one is left out. */
function hunksOf(patch: EventOf<"tool_finished">["patch"]): readonly Hunk[] {
  return (patch ?? []).flatMap((hunk) => {
    const { oldStart, newStart, lines } = hunk as Partial<Hunk>;
    if (typeof oldStart !== "number" || typeof newStart !== "number" || !Array.isArray(lines)) return [];
    return [{ oldStart, newStart, lines: lines.map(String) }];
  });
}
