/** The log of one process: live while the sandbox is on, as it was kept while it is off. */
import { ProcessStream, type StreamStatus } from "@/features/terminal/process_stream";
import { findProcess, readKeptLog } from "@/features/terminal/queries";

import { type LogLine, LogLines } from "./log_lines";

export interface LogState {
  lines: readonly LogLine[];
  /** `kept`: of the time before the sandbox went off. `none`: the process has not been started. */
  status: StreamStatus | "reading" | "kept" | "none";
  exitCode: number | null;
  error: string | null;
}

/** So much of the past is shown. */
const PAST_BYTES = 512 << 10;

export class FollowedLog {
  state: LogState = { lines: [], status: "reading", exitCode: null, error: null };
  private readonly listeners = new Set<() => void>();
  private readonly buffer = new LogLines();
  private stream: ProcessStream | null = null;
  private pid: number | null = null;
  private exitCode: number | null = null;
  private isTellDue = false;
  private isOver = false;

  constructor(
    private readonly session: string,
    private readonly process: string,
  ) {}

  /** Begins to follow it where the sandbox is on, or reads what was kept. */
  async start(isOn: boolean): Promise<void> {
    this.isOver = false;
    try {
      if (isOn) await this.follow();
      else await this.readKept();
    } catch (error) {
      this.set({ error: error instanceof Error ? error.message : String(error) });
    }
  }

  stop(): void {
    this.isOver = true;
    this.stream?.stop();
  }

  /** The process may have been started again: goes on with its new output. */
  async again(): Promise<void> {
    if (this.isOver || (this.state.status !== "ended" && this.state.status !== "none")) return;
    await this.start(true);
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private async follow(): Promise<void> {
    const found = await findProcess(this.session, this.process);
    if (this.isOver) return;
    if (!found) {
      this.set({ status: "none" });
      return;
    }
    if (this.stream === null) {
      const [start, end] = [found.starts.out ?? 0, found.ends.out ?? 0];
      this.pid = found.pid;
      this.stream = this.open(Math.max(start, end - PAST_BYTES));
    } else await this.hasEnded();
    this.stream.start();
  }

  private open(offset: number): ProcessStream {
    return new ProcessStream(
      this.session,
      this.process,
      {
        onOutput: ({ data, missing }) => {
          if (missing > 0) this.buffer.note(`${missing.toLocaleString("en")} bytes are no longer kept`);
          this.buffer.append(data);
          this.tellSoon();
        },
        onStatus: (status) => this.set({ status, exitCode: this.exitCode }),
        hasEnded: () => this.hasEnded(),
      },
      offset,
    );
  }

  private async hasEnded(): Promise<boolean> {
    const now = await findProcess(this.session, this.process);
    this.exitCode = now?.exit_code ?? null;
    if (now && this.stream && now.pid !== this.pid) {
      // Started again: its output is counted anew, unless it goes on with the old one's.
      this.pid = now.pid;
      if ((now.ends.out ?? 0) < this.stream.position.next) this.stream.position.next = now.starts.out ?? 0;
      this.buffer.note("started again");
      this.tellSoon();
    }
    return now === undefined || !now.is_running;
  }

  private async readKept(): Promise<void> {
    const text = await readKeptLog(this.session, this.process);
    if (this.isOver) return;
    this.buffer.clear();
    this.buffer.appendText(text);
    this.set({ status: "kept", lines: this.buffer.lines() });
  }

  /** One rendering for all that came within a frame. */
  private tellSoon(): void {
    if (this.isTellDue) return;
    this.isTellDue = true;
    setTimeout(() => {
      this.isTellDue = false;
      this.set({ lines: this.buffer.lines() });
    }, 50);
  }

  private set(change: Partial<LogState>): void {
    this.state = { ...this.state, error: null, ...change };
    for (const listener of this.listeners) listener();
  }
}
