import { describe, expect, it } from "vitest";

import { decodeFrame, OutputPosition } from "./frames";
import { bytesOf, withControl } from "./keys";

function frame(offset: number, text: string): ArrayBuffer {
  const bytes = new Uint8Array(8 + text.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(offset));
  bytes.set(new TextEncoder().encode(text), 8);
  return bytes.buffer;
}

const textOf = (piece: { data: Uint8Array } | null) => piece && new TextDecoder().decode(piece.data);

describe("a frame", () => {
  it("begins with the number of its first byte, which may be beyond 32 bits", () => {
    const { offset, data } = decodeFrame(frame(5_000_000_000, "hello"));
    expect(offset).toBe(5_000_000_000);
    expect(textOf({ data })).toBe("hello");
  });

  it("that has no number is refused", () =>
    expect(() => decodeFrame(new ArrayBuffer(3))).toThrow(RangeError));
});

describe("a position in an output", () => {
  it("takes each byte once, whatever is sent again", () => {
    const position = new OutputPosition();
    expect(textOf(position.take(decodeFrame(frame(0, "abc"))))).toBe("abc");
    expect(position.take(decodeFrame(frame(0, "abc")))).toBeNull();
    expect(textOf(position.take(decodeFrame(frame(1, "bcde"))))).toBe("de");
    expect(position.next).toBe(5);
  });

  it("says how much is no longer kept", () => {
    const position = new OutputPosition(5);
    expect(position.take(decodeFrame(frame(9, "x")))?.missing).toBe(4);
    expect(position.next).toBe(10);
  });
});

describe("keys on the screen", () => {
  it("send what a keyboard would", () => {
    expect(bytesOf("Up", false)).toBe("\x1b[A");
    expect(bytesOf("Up", true)).toBe("\x1bOA");
    expect(bytesOf("Esc", false)).toBe("\x1b");
  });

  it("make what is typed with Ctrl held", () => {
    expect(withControl("c")).toBe("\x03");
    expect(withControl("[")).toBe("\x1b");
    expect(withControl("1")).toBe("1");
    expect(withControl("pasted")).toBe("pasted");
  });
});
