/** What a process's stream sends: where in its output some bytes are, and the bytes. */

export interface OutputFrame {
  offset: number;
  data: Uint8Array<ArrayBuffer>;
}

const HEAD_BYTES = 8;

/** Reads a binary frame: the number of its first byte in 8 bytes, big-endian, then the bytes. */
export function decodeFrame(frame: ArrayBuffer): OutputFrame {
  if (frame.byteLength < HEAD_BYTES)
    throw new RangeError(`a frame of ${frame.byteLength} bytes has no offset`);
  const offset = Number(new DataView(frame).getBigUint64(0));
  return { offset, data: new Uint8Array(frame, HEAD_BYTES) };
}

export interface Piece {
  data: Uint8Array<ArrayBuffer>;
  /** Bytes before it that are no longer kept anywhere. */
  missing: number;
}

/** Follows where in an output one is, so that each byte is taken once whatever connections come and go. */
export class OutputPosition {
  /** Number of the byte that comes next. */
  constructor(public next = 0) {}

  /** Returns what of a frame is new; null: nothing. */
  take(frame: OutputFrame): Piece | null {
    const end = frame.offset + frame.data.length;
    if (end <= this.next) return null;
    const missing = Math.max(0, frame.offset - this.next);
    const data = frame.data.subarray(Math.max(0, this.next - frame.offset));
    this.next = end;
    return { data, missing };
  }
}
