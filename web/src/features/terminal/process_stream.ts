/**
 * Follows the output of a process in a session's sandbox, and types into it. Comes back by itself after a pause or a
 * restart of the server, and goes on from the byte it had come to.
 */
import { socketUrl } from "@/api/client";
import { backoffMs } from "@/features/session/backoff";

import { decodeFrame, OutputPosition, type Piece } from "./frames";

export type StreamStatus =
  | "connecting"
  | "open"
  /** It was lost, and is tried again. */
  | "lost"
  /** Nobody wants it, as the sandbox is off or the panel is not shown. */
  | "off"
  /** The process has ended. */
  | "ended";

export interface StreamHandlers {
  onOutput: (piece: Piece) => void;
  onStatus: (status: StreamStatus) => void;
  /** Whether the process has ended; asked when the server has closed in order, which it also does before a pause. */
  hasEnded: () => Promise<boolean>;
}

const CLOSE_GONE = 4404;
const OPEN_TIMEOUT_MS = 10_000;

export class ProcessStream {
  status: StreamStatus = "off";
  readonly position: OutputPosition;
  private socket: WebSocket | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;

  constructor(
    private readonly session: string,
    private readonly process: string,
    private readonly handlers: StreamHandlers,
    offset = 0,
  ) {
    this.position = new OutputPosition(offset);
  }

  /** Connects, unless it is connected; of a process that was started again, too. */
  start(): void {
    if (this.status !== "off" && this.status !== "ended") return;
    window.addEventListener("online", this.hurry);
    document.addEventListener("visibilitychange", this.hurry);
    this.failures = 0;
    this.connect("connecting");
  }

  /** Lets go of the connection; `start` goes on from there. */
  stop(): void {
    if (this.status !== "ended") this.rest("off");
  }

  /** Types into the process; false: it cannot be reached, and nothing was sent. */
  send(input: string | Uint8Array<ArrayBuffer>): boolean {
    if (this.status !== "open" || this.socket === null) return false;
    this.socket.send(typeof input === "string" ? new TextEncoder().encode(input) : input);
    return true;
  }

  resize(rows: number, columns: number): void {
    if (this.status === "open") this.socket?.send(JSON.stringify({ rows, columns }));
  }

  private connect(status: "connecting" | "lost"): void {
    clearTimeout(this.timer);
    this.setStatus(status);
    const path = `/api/sessions/${this.session}/processes/${this.process}/stream?offset=${this.position.next}`;
    const socket = new WebSocket(socketUrl(path));
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.timer = setTimeout(() => socket.close(), OPEN_TIMEOUT_MS);
    socket.onopen = () => {
      clearTimeout(this.timer);
      this.setStatus("open");
    };
    socket.onmessage = (message: MessageEvent<unknown>) => {
      if (this.socket !== socket || !(message.data instanceof ArrayBuffer)) return;
      this.failures = 0;
      const piece = this.position.take(decodeFrame(message.data));
      if (piece) this.handlers.onOutput(piece);
    };
    socket.onclose = (event) => {
      if (this.socket === socket) void this.onClosed(event.code);
    };
  }

  private async onClosed(code: number): Promise<void> {
    this.socket = null;
    this.failures += 1;
    this.setStatus("lost");
    const isOver =
      code === CLOSE_GONE || (code === 1000 && (await this.handlers.hasEnded().catch(() => false)));
    if (this.status !== "lost") return;
    if (isOver) {
      this.rest("ended");
      return;
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect("lost"), backoffMs(this.failures, Math.random()));
  }

  /** The network or the user is back: no reason to wait any longer. */
  private readonly hurry = (): void => {
    if (this.status === "lost" && this.socket === null && document.visibilityState === "visible")
      this.connect("lost");
  };

  private rest(status: "off" | "ended"): void {
    clearTimeout(this.timer);
    window.removeEventListener("online", this.hurry);
    document.removeEventListener("visibilitychange", this.hurry);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    this.setStatus(status);
  }

  private setStatus(status: StreamStatus): void {
    if (status === this.status) return;
    this.status = status;
    this.handlers.onStatus(status);
  }
}
