/** Folds a session's events and live parts into what the screen shows: no I/O, no clock, the same for the same frames. */
import type { EventOf, SessionEvent } from "@/api/types";
import type { Frame } from "@/features/session/frames";

import { Asks } from "./asks";
import type { Item } from "./items";
import { buildKey, LiveParts } from "./live_parts";
import { Tools } from "./tools";
import { Tree } from "./tree";

export interface View {
  items: readonly Item[];
  /** Number of the newest event. */
  newest: number;
  /** Ids of what is asked and waits for an answer. */
  openAsks: readonly string[];
  /** Since when the running turn runs; null between turns. */
  workingSince: string | null;
  /** Ids of the messages that are in the transcript. */
  messages: ReadonlySet<string>;
}

export class Transcript {
  private readonly tree = new Tree();
  private readonly live = new LiveParts(this.tree);
  private readonly tools = new Tools(this.tree, this.live);
  private readonly asks = new Asks(this.tree);
  private readonly messages = new Set<string>();
  private newest = 0;
  private workingSince: string | null = null;
  private label = "";
  private stepsKey: string | null = null;
  private retryKey: string | null = null;
  private agent = "";
  private hasDevServerTrouble = false;

  take(frames: readonly Frame[]): void {
    for (const frame of frames) {
      if (frame.type === "event") this.takeEvent(frame.number, frame.event);
      else if (frame.type === "connected") this.live.reset();
      else if (frame.type === "part") {
        if (frame.part.kind !== "reset" && frame.part.kind !== "tool_output") this.endRetry();
        this.live.take(frame.part);
      }
    }
  }

  view(): View {
    return {
      items: this.tree.items(),
      newest: this.newest,
      openAsks: this.asks.open(),
      workingSince: this.workingSince,
      messages: this.messages,
    };
  }

  private takeEvent(number: number, event: SessionEvent): void {
    this.newest = number;
    const key = `e${number}`;
    switch (event.kind) {
      case "message_added":
        this.messages.add(event.message_id);
        this.add({
          type: "message",
          key: `message-${event.message_id}`,
          at: event.at,
          id: event.message_id,
          text: event.text,
          attachments: event.attachments,
          delivery: "kept",
        });
        return;
      case "message_delivered":
        this.workingSince ??= event.at;
        this.tree.change(`message-${event.message_id}`, (item) =>
          item.type === "message" ? { ...item, delivery: "delivered" } : item,
        );
        return;
      case "agent_text":
      case "agent_thought":
        this.endRetry();
        this.live.settle(key, event);
        return;
      case "tool_called":
        this.endRetry();
        this.tools.called(event);
        return;
      case "tool_finished":
        this.tools.finished(event);
        return;
      case "subagent_changed":
        if (!this.tools.taskChanged(event) && event.status !== "running") this.mark(key, event);
        return;
      case "plan_changed":
        this.planChanged(key, event);
        return;
      case "question_asked":
      case "plan_proposed":
      case "permission_asked":
        this.endRetry();
        this.asks.asked(event);
        return;
      case "ask_answered":
      case "ask_closed":
        this.asks.changed(event);
        return;
      case "turn_ended":
      case "turn_failed":
        this.endTurn();
        this.add({ type: "turn_end", key, at: event.at, event });
        return;
      case "model_retried":
        this.retried(key, event);
        return;
      case "state_changed":
        this.stateChanged(key, event);
        return;
      case "step_done":
        this.stepDone(key, event);
        return;
      case "came_back":
        if (event.rung !== "memory") this.endTurn();
        this.mark(key, event);
        return;
      case "agent_gone":
        this.endTurn();
        this.mark(key, event);
        return;
      case "setup_changed":
        this.setupChanged(event);
        return;
      case "agent_started":
        this.agentStarted(key, event);
        return;
      case "dev_server_changed":
        this.devServerChanged(key, event);
        return;
      case "settings_changed":
      case "compacted":
      case "limit_reached":
      case "forked":
      case "environment_changed":
      case "pull_request_changed":
      case "notice":
        this.mark(key, event);
        return;
      default:
        // A kind that a newer server may send, and this page does not know.
        event satisfies never;
    }
  }

  private add(item: Item): void {
    this.tree.add(this.tree.root, item);
  }

  private mark(key: string, event: Extract<Item, { type: "mark" }>["event"]): void {
    this.add({ type: "mark", key, at: event.at, event });
  }

  private planChanged(key: string, event: EventOf<"plan_changed">): void {
    const container = this.tree.container(event.parent_tool_call_id);
    if (container.todoKey !== null) {
      this.tree.change(container.todoKey, (item) =>
        item.type === "todo" ? { ...item, entries: event.entries } : item,
      );
      return;
    }
    container.todoKey = key;
    this.tree.add(container, { type: "todo", key, at: event.at, entries: event.entries });
  }

  /** Nothing of the turn goes on: what is not finished by now will not be. */
  private endTurn(): void {
    this.endRetry();
    this.live.reset();
    this.tools.interrupt();
    this.workingSince = null;
    for (const container of this.tree.containers()) container.todoKey = null;
  }

  private retried(key: string, event: EventOf<"model_retried">): void {
    const known = this.retryKey;
    if (known !== null) {
      this.tree.change(known, () => ({ type: "retry", key: known, at: event.at, event, isWaiting: true }));
      return;
    }
    this.retryKey = key;
    this.add({ type: "retry", key, at: event.at, event, isWaiting: true });
  }

  private endRetry(): void {
    if (this.retryKey === null) return;
    this.tree.change(this.retryKey, (item) => (item.type === "retry" ? { ...item, isWaiting: false } : item));
    this.retryKey = null;
  }

  private stateChanged(key: string, event: EventOf<"state_changed">): void {
    const before = this.label;
    this.label = event.label;
    if (event.label !== "Starting" && event.label !== "Resuming") this.stepsKey = null;
    if (event.label === before) return;
    if (event.label === "Paused") this.mark(key, event);
    if (event.label === "Errored" && event.reason !== null && !this.isTold(event.reason))
      this.mark(key, event);
  }

  /** Whether the newest item says already why the turn failed. */
  private isTold(reason: string): boolean {
    const last = this.tree.root.done.at(-1);
    return last?.type === "turn_end" && last.event.kind === "turn_failed" && last.event.reason === reason;
  }

  private stepDone(key: string, event: EventOf<"step_done">): void {
    if (this.label === "Pausing") return;
    const step = { step: event.step, seconds: event.seconds, detail: event.detail };
    if (this.stepsKey !== null) {
      this.tree.change(this.stepsKey, (item) =>
        item.type === "steps" ? { ...item, steps: [...item.steps, step] } : item,
      );
      return;
    }
    this.stepsKey = key;
    this.add({ type: "steps", key, at: event.at, steps: [step] });
  }

  private setupChanged(event: EventOf<"setup_changed">): void {
    const key = buildKey(event.snapshot_id);
    const known = this.tree.find(key);
    const build: Item = {
      type: "build",
      key,
      at: known?.at ?? event.at,
      generation: event.generation,
      status: event.status === "step" ? "building" : event.status,
      detail: event.detail,
      log: event.log_end ?? (known?.type === "build" ? known.log : ""),
    };
    if (known === null) this.add(build);
    else this.tree.change(key, () => build);
  }

  private agentStarted(key: string, event: EventOf<"agent_started">): void {
    const agent = JSON.stringify([event.program, event.version, event.model, event.provider]);
    if (agent === this.agent) return;
    this.agent = agent;
    this.mark(key, event);
  }

  /** Tells of trouble with it, and that the trouble is over. */
  private devServerChanged(key: string, event: EventOf<"dev_server_changed">): void {
    const isTrouble = event.status === "exited" || event.status === "silent";
    if (isTrouble || (event.status === "answering" && this.hasDevServerTrouble)) this.mark(key, event);
    if (event.status !== "starting") this.hasDevServerTrouble = isTrouble;
  }
}
