import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { ProcessStream, type StreamStatus } from "./process_stream";

/** A socket that the test opens, fills and closes. */
class HandSocket {
  static all: HandSocket[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  binaryType = "";
  sent: unknown[] = [];

  constructor(readonly url: string) {
    HandSocket.all.push(this);
  }

  send(data: unknown): void {
    this.sent.push(data);
  }

  close(): void {
    this.onclose?.({ code: 1006 });
  }

  say(offset: number, text: string): void {
    const bytes = new Uint8Array(8 + text.length);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(offset));
    bytes.set(
      Uint8Array.from(text, (letter) => letter.charCodeAt(0)),
      8,
    );
    this.onmessage?.({ data: bytes.buffer });
  }
}

const newest = () => HandSocket.all.at(-1)!;

function follow(hasEnded = () => Promise.resolve(false)) {
  let output = "";
  const statuses: StreamStatus[] = [];
  const stream = new ProcessStream("s1", "terminal-a", {
    onOutput: ({ data }) => (output += String.fromCharCode(...data)),
    onStatus: (status) => statuses.push(status),
    hasEnded,
  });
  return { stream, statuses, output: () => output };
}

beforeEach(() => {
  vi.useFakeTimers();
  HandSocket.all = [];
  vi.stubGlobal("WebSocket", HandSocket);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("a process's stream", () => {
  it("goes on after a lost connection from the byte it had come to, without a double", async () => {
    const { stream, output } = follow();
    stream.start();
    expect(newest().url).toMatch(/\/api\/sessions\/s1\/processes\/terminal-a\/stream\?offset=0$/);
    newest().onopen?.();
    newest().say(0, "hello");
    newest().close();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(newest().url).toMatch(/offset=5$/);
    newest().onopen?.();
    newest().say(3, "lo, you");
    expect(output()).toBe("hello, you");
  });

  it("sends nothing while it is not connected, and says so", () => {
    const { stream } = follow();
    expect(stream.send("x")).toBe(false);
    stream.start();
    expect(stream.send("x")).toBe(false);
    newest().onopen?.();
    expect(stream.send("x")).toBe(true);
    expect(newest().sent).toEqual([new TextEncoder().encode("x")]);
  });

  it("takes an ordered close for the end only if the process has ended: a pause closes so, too", async () => {
    const hasEnded = vi.fn(() => Promise.resolve(false));
    const { stream } = follow(hasEnded);
    stream.start();
    newest().onopen?.();
    newest().onclose?.({ code: 1000 });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(HandSocket.all).toHaveLength(2);
    hasEnded.mockResolvedValue(true);
    newest().onclose?.({ code: 1000 });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(stream.status).toBe("ended");
    expect(HandSocket.all).toHaveLength(2);
  });

  it("is not tried again once it was let go of", async () => {
    const { stream, statuses } = follow();
    stream.start();
    newest().onopen?.();
    stream.stop();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(HandSocket.all).toHaveLength(1);
    expect(statuses).toEqual(["connecting", "open", "off"]);
  });
});
