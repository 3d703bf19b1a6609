/** A session's event stream as long as somebody watches: connects, comes back, hands on frames in batches. */
import { socketUrl } from "@/api/client";

import { type Frame, parseFrames, Sequence } from "./frames";
import { ReturningSocket, type SocketStatus } from "./socket";

const CLOSE_DELETED = 4404;
/** How long a session that nobody looks at any more stays connected: one often looks back. */
const LINGER_MS = 20_000;

export type Connection = "connecting" | "live" | "lost" | "gone";

export class SessionStream {
  connection: Connection = "connecting";
  private readonly sequence = new Sequence();
  private readonly takers = new Set<(frames: readonly Frame[]) => void>();
  private readonly connectionListeners = new Set<() => void>();
  private socket: ReturningSocket | null = null;
  private watchers = 0;
  private linger: ReturnType<typeof setTimeout> | undefined;
  private batch: Frame[] = [];
  private isFlushDue = false;
  private flushTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly session: string) {}

  /** Number of the newest event that came. */
  get newest(): number {
    return this.sequence.newest;
  }

  /** Hands each batch of frames to `take`, from the first event on that comes from now on. */
  listen(take: (frames: readonly Frame[]) => void): () => void {
    this.takers.add(take);
    return () => this.takers.delete(take);
  }

  onConnection(listener: () => void): () => void {
    this.connectionListeners.add(listener);
    return () => this.connectionListeners.delete(listener);
  }

  /** Keeps it connected until the returned function is called, and a little longer. */
  watch(): () => void {
    this.watchers += 1;
    clearTimeout(this.linger);
    this.socket ??= this.open();
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.watchers -= 1;
      if (this.watchers === 0) this.linger = setTimeout(() => this.close(), LINGER_MS);
    };
  }

  /** Takes frames, of its own connection or read otherwise: each event once and in order. */
  take(frames: readonly Frame[]): void {
    for (const frame of frames) {
      if (frame.type === "event") {
        const place = this.sequence.admit(frame.number);
        if (place === "gap") {
          this.socket?.restart();
          return;
        }
        if (place === "repeated") continue;
      }
      this.put(frame);
    }
  }

  private open(): ReturningSocket {
    return new ReturningSocket({
      url: () => socketUrl(`/api/sessions/${this.session}/events/stream?in_pages=true&after=${this.newest}`),
      onOpen: () => this.put({ type: "connected" }),
      onText: (text) => this.hear(text),
      onStatus: (status) => this.setConnection(connectionOf(status, this.connection)),
      isFinal: (code) => code === CLOSE_DELETED,
    });
  }

  private close(): void {
    if (this.connection === "gone") return;
    this.socket?.close();
    this.socket = null;
    this.setConnection("connecting");
  }

  private hear(text: string): void {
    this.take(parseFrames(text));
  }

  private put(frame: Frame): void {
    this.batch.push(frame);
    if (this.isFlushDue) return;
    this.isFlushDue = true;
    // One rendering for all that came. A page in the background gets no animation frames, so a timer stands by.
    const drawing = requestAnimationFrame(() => this.flush());
    this.flushTimer = setTimeout(() => {
      cancelAnimationFrame(drawing);
      this.flush();
    }, 250);
  }

  private flush(): void {
    clearTimeout(this.flushTimer);
    this.isFlushDue = false;
    const frames = this.batch;
    this.batch = [];
    for (const take of this.takers) take(frames);
  }

  private setConnection(connection: Connection): void {
    if (connection === this.connection) return;
    this.connection = connection;
    for (const listener of this.connectionListeners) listener();
  }
}

function connectionOf(status: SocketStatus, before: Connection): Connection {
  switch (status) {
    case "open":
      return "live";
    case "waiting":
      return "lost";
    case "closed":
      return "gone";
    case "connecting":
      return before === "lost" ? "lost" : "connecting";
  }
}
