/** Takes the messages out of the bytes of one gRPC stream. */
export class MessageReader {
  readonly #onMessage: (message: Buffer) => void;
  /** What came of a message that is not whole yet. */
  #parts: Buffer[] = [];
  #length = 0;

  constructor(onMessage: (message: Buffer) => void) {
    this.#onMessage = onMessage;
  }

  take(chunk: Buffer): void {
    this.#parts.push(chunk);
    this.#length += chunk.length;
    if (this.#length < lengthOf(this.#parts)) return;
    let rest = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts);
    while (rest.length >= lengthOf([rest])) {
      const end = lengthOf([rest]);
      this.#onMessage(rest.subarray(HEADER_BYTES, end));
      rest = rest.subarray(end);
    }
    this.#parts = rest.length === 0 ? [] : [rest];
    this.#length = rest.length;
  }
}

/** A flag and the length. */
const HEADER_BYTES = 5;

/** Of the first message, with its header; more than there can be while that is not whole. */
function lengthOf([first, ...others]: readonly Buffer[]): number {
  if (first === undefined) return HEADER_BYTES;
  if (first.length >= HEADER_BYTES) return HEADER_BYTES + first.readUInt32BE(1);
  const header = Buffer.concat([first, ...others]);
  return header.length >= HEADER_BYTES ? HEADER_BYTES + header.readUInt32BE(1) : Number.POSITIVE_INFINITY;
}

/** The first byte of a WatchRevocationsResponse: which of its fields it has. */
const SNAPSHOT_CHUNK = 0x1a;
const BATCH = 0x22;
const CHECKPOINT = 0x2a;

/** The tag of the revocations in either, which are written before all else. */
const REVOCATION = 0x0a;

export function isCheckpoint(message: Buffer): boolean {
  return message[0] === CHECKPOINT;
}

/** How many revocations a WatchRevocationsResponse holds, without decoding them. */
export function revocationsIn(message: Buffer): number {
  if (message[0] !== SNAPSHOT_CHUNK && message[0] !== BATCH) return 0;
  let count = 0;
  let at = readVarint(message, 1).end;
  while (message[at] === REVOCATION) {
    const { value, end } = readVarint(message, at + 1);
    at = end + value;
    count += 1;
  }
  return count;
}

function readVarint(bytes: Buffer, start: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let at = start, shift = 0; ; at += 1, shift += 7) {
    const byte = bytes[at] ?? 0;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return { value, end: at + 1 };
  }
}
