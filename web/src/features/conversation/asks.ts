/** What the agent asks, and how far an answer has come. */
import type { EventOf } from "@/api/types";

import type { Ask, Item } from "./items";
import { emptyTool } from "./live_parts";
import type { Tree } from "./tree";

type Asked = EventOf<"question_asked"> | EventOf<"plan_proposed"> | EventOf<"permission_asked">;

export class Asks {
  private readonly opened = new Set<string>();

  constructor(private readonly tree: Tree) {}

  open(): readonly string[] {
    return [...this.opened];
  }

  /** A question or plan stands in the place of the call that it is; a permission is asked within its call. */
  asked(event: Asked): void {
    const key = event.ask_id;
    this.opened.add(key);
    const item = itemOf(event, this.tree.find(key));
    if (this.tree.find(key) === null) this.tree.add(this.tree.container(event.parent_tool_call_id), item);
    else this.tree.change(key, () => item);
  }

  changed(event: EventOf<"ask_answered"> | EventOf<"ask_closed">): void {
    this.opened.delete(event.ask_id);
    this.tree.change(event.ask_id, (item) => {
      if (!("ask" in item) || item.ask === null) return item;
      const ask: Ask =
        event.kind === "ask_closed"
          ? { ...item.ask, state: event.outcome }
          : { ...item.ask, state: "answered", answer: event.answer };
      return { ...item, ask };
    });
  }
}

function itemOf(event: Asked, known: Item | null): Item {
  const place = { key: event.ask_id, at: event.at };
  const ask: Ask = { id: event.ask_id, state: "open", answer: null, canAllowAlways: false };
  switch (event.kind) {
    case "question_asked":
      return { type: "question", ...place, ask, questions: event.questions };
    case "plan_proposed":
      return { type: "plan", ...place, ask, plan: event.plan };
    case "permission_asked": {
      const call = known?.type === "tool" ? known : emptyTool(event.ask_id, event.at);
      const name = { name: event.name, title: event.title ?? event.name, input: event.input };
      return { ...call, ...name, ask: { ...ask, canAllowAlways: event.can_allow_always } };
    }
  }
}
