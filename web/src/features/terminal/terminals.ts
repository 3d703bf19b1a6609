/** The terminals of each session that this page knows, kept while the page lives. */
import { useSyncExternalStore } from "react";

import type { ProcessBody } from "@/api/types";

import { LiveTerminal } from "./live_terminal";
import { closeTerminal, listTerminals, openTerminal, readKeptLog } from "./queries";

export interface TerminalsState {
  readonly tabs: readonly LiveTerminal[];
  /** Name of the one that is shown. */
  readonly active: string | null;
  /** Whether the sandbox was asked which there are. */
  readonly isListed: boolean;
  readonly isOpening: boolean;
  readonly error: string | null;
}

const DEFAULT_SIZE = { rows: 24, columns: 80 };
const NOTHING: TerminalsState = { tabs: [], active: null, isListed: false, isOpening: false, error: null };

export class Terminals {
  state: TerminalsState = NOTHING;
  private readonly listeners = new Set<() => void>();
  private listing: Promise<void> | null = null;
  private nextNumber = 1;

  constructor(readonly session: string) {}

  /** Finds the terminals that the sandbox has, also from before a reload; opens one where there is none. */
  async find(): Promise<void> {
    this.listing ??= this.list().finally(() => (this.listing = null));
    await this.listing;
  }

  /** While the sandbox is off: what its terminals showed before, as far as the server has kept it. */
  async findKept(): Promise<void> {
    if (this.state.tabs.length > 0) return;
    const kept = await listTerminals(this.session).catch(() => []);
    const logs = await Promise.all(kept.map((one) => readKeptLog(this.session, one.name).catch(() => "")));
    const shown = kept.filter((process, place) => process.is_running && logs[place] !== "");
    this.add(shown, null);
    for (const tab of this.state.tabs)
      tab.showKept(logs[kept.findIndex((one) => one.name === tab.name)] ?? "");
  }

  async open(): Promise<void> {
    if (this.state.isOpening) return;
    this.set({ isOpening: true, error: null });
    try {
      const size = this.activeTab?.size ?? DEFAULT_SIZE;
      const process = await openTerminal(this.session, size.rows, size.columns);
      this.add([process], process.name);
    } catch (error) {
      this.set({ error: messageOf(error) });
    } finally {
      this.set({ isOpening: false });
    }
  }

  /** Ends a terminal and its tab; what has ended already only loses its tab. */
  async close(name: string): Promise<void> {
    const tab = this.state.tabs.find((one) => one.name === name);
    if (!tab) return;
    try {
      await closeTerminal(this.session, name);
    } catch (error) {
      if (tab.status !== "ended") {
        this.set({ error: messageOf(error) });
        return;
      }
    }
    const place = this.state.tabs.indexOf(tab);
    const tabs = this.state.tabs.filter((one) => one !== tab);
    const next = tabs[Math.min(place, tabs.length - 1)]?.name ?? null;
    this.set({ tabs, active: this.state.active === name ? next : this.state.active, error: null });
    tab.dispose();
  }

  show(name: string): void {
    this.set({ active: name });
  }

  get activeTab(): LiveTerminal | undefined {
    return this.state.tabs.find((tab) => tab.name === this.state.active);
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Tells whoever shows them that one has changed. */
  readonly tellChanged = (): void => this.set({});

  private async list(): Promise<void> {
    const isFirst = !this.state.isListed;
    try {
      const found = await listTerminals(this.session);
      this.add(
        found.filter((process) => process.is_running),
        null,
      );
      this.set({ isListed: true, error: null });
    } catch (error) {
      this.set({ error: messageOf(error) });
      return;
    }
    if (isFirst && this.state.tabs.length === 0) await this.open();
  }

  private add(processes: readonly ProcessBody[], active: string | null): void {
    const known = new Set(this.state.tabs.map((tab) => tab.name));
    const fresh = processes
      .filter((process) => !known.has(process.name))
      .map((process) => new LiveTerminal(this.session, process, this.nextNumber++));
    const tabs = [...this.state.tabs, ...fresh];
    this.set({ tabs, active: active ?? this.state.active ?? tabs[0]?.name ?? null });
  }

  private set(change: Partial<TerminalsState>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener();
  }
}

const ofSessions = new Map<string, Terminals>();

export function terminalsOf(session: string): Terminals {
  let terminals = ofSessions.get(session);
  if (!terminals) {
    terminals = new Terminals(session);
    ofSessions.set(session, terminals);
  }
  return terminals;
}

export function useTerminals(session: string): [Terminals, TerminalsState] {
  const terminals = terminalsOf(session);
  return [terminals, useSyncExternalStore(terminals.subscribe, () => terminals.state)];
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
