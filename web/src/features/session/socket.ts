/**
 * A WebSocket that comes back by itself: after an error, a restart of the server, a night's sleep of the laptop.
 * What it continues from is its user's affair: the address is asked for anew at each connection.
 */
import { backoffMs } from "./backoff";

export type SocketStatus = "connecting" | "open" | "waiting" | "closed";

export interface SocketHandlers {
  url: () => string;
  onOpen?: () => void;
  onText: (text: string) => void;
  onStatus?: (status: SocketStatus) => void;
  /** Returns whether a code with which the server closed is final: the subject is gone. */
  isFinal?: (code: number) => boolean;
}

const OPEN_TIMEOUT_MS = 10_000;

export class ReturningSocket {
  private socket: WebSocket | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private isWanted = true;

  constructor(private readonly handlers: SocketHandlers) {
    window.addEventListener("online", this.hurry);
    document.addEventListener("visibilitychange", this.hurry);
    this.connect();
  }

  /** Ends it for good. */
  close(): void {
    this.end("closed");
  }

  /** Drops the connection and makes a new one at once, as what came over this one does not fit. */
  restart(): void {
    this.drop();
    this.connect();
  }

  private connect(): void {
    clearTimeout(this.timer);
    this.handlers.onStatus?.("connecting");
    const socket = new WebSocket(this.handlers.url());
    this.socket = socket;
    // A connection that neither opens nor fails, as behind a network that swallows packets, is given up.
    this.timer = setTimeout(() => socket.close(), OPEN_TIMEOUT_MS);
    socket.onopen = () => {
      clearTimeout(this.timer);
      this.failures = 0;
      this.handlers.onOpen?.();
      this.handlers.onStatus?.("open");
    };
    socket.onmessage = (message: MessageEvent<unknown>) => {
      if (typeof message.data === "string") this.handlers.onText(message.data);
    };
    socket.onclose = (event) => {
      if (this.socket !== socket) return;
      this.socket = null;
      if (this.handlers.isFinal?.(event.code)) this.end("closed");
      else this.comeBackLater();
    };
  }

  private comeBackLater(): void {
    if (!this.isWanted) return;
    this.failures += 1;
    this.handlers.onStatus?.("waiting");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), backoffMs(this.failures, Math.random()));
  }

  /** The network or the user is back: no reason to wait any longer. */
  private readonly hurry = (): void => {
    if (this.isWanted && this.socket === null && document.visibilityState === "visible") this.connect();
  };

  private drop(): void {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    if (socket) {
      socket.onmessage = null;
      socket.close();
    }
  }

  private end(status: SocketStatus): void {
    this.isWanted = false;
    this.drop();
    window.removeEventListener("online", this.hurry);
    document.removeEventListener("visibilitychange", this.hurry);
    this.handlers.onStatus?.(status);
  }
}
