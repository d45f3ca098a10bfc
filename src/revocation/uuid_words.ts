const TEXT_LENGTH = 36;
const HYPHEN = 45;

/** The value of a lower-case hexadecimal digit by its code; -1 for whatever else can be in a string. */
const DIGITS = new Int8Array(0x10000).fill(-1);

const CODES = Buffer.from('0123456789abcdef', 'latin1');
CODES.forEach((code, digit) => (DIGITS[code] = digit));

/** Where the text of an id is put together; its hyphens stay. */
const TEXT = Buffer.alloc(TEXT_LENGTH, HYPHEN);

/**
 * Writes the 128 bits of a UUID in its canonical lower-case form (RFC 9562, section 4) to the first four words, the highest
 * first. Returns false for any other text; the words are then as they were.
 */
export function readUuid(text: string, words: Int32Array): boolean {
  if (text.length !== TEXT_LENGTH || !hasHyphens(text)) return false;
  const a = bits16(text, 0);
  const b = bits16(text, 4);
  const c = bits16(text, 9);
  const d = bits16(text, 14);
  const e = bits16(text, 19);
  const f = bits16(text, 24);
  const g = bits16(text, 28);
  const h = bits16(text, 32);
  if ((a | b | c | d | e | f | g | h) < 0) return false;
  words[0] = (a << 16) | b;
  words[1] = (c << 16) | d;
  words[2] = (e << 16) | f;
  words[3] = (g << 16) | h;
  return true;
}

/** The text of the UUID in the first four words. */
export function uuidText(words: Int32Array): string {
  writeBits16((words[0] as number) >>> 16, 0);
  writeBits16(words[0] as number, 4);
  writeBits16((words[1] as number) >>> 16, 9);
  writeBits16(words[1] as number, 14);
  writeBits16((words[2] as number) >>> 16, 19);
  writeBits16(words[2] as number, 24);
  writeBits16((words[3] as number) >>> 16, 28);
  writeBits16(words[3] as number, 32);
  return TEXT.toString('latin1');
}

function hasHyphens(text: string): boolean {
  return (
    text.charCodeAt(8) === HYPHEN &&
    text.charCodeAt(13) === HYPHEN &&
    text.charCodeAt(18) === HYPHEN &&
    text.charCodeAt(23) === HYPHEN
  );
}

/** Of four digits; negative where one of them is none. */
function bits16(text: string, at: number): number {
  const a = DIGITS[text.charCodeAt(at)] as number;
  const b = DIGITS[text.charCodeAt(at + 1)] as number;
  const c = DIGITS[text.charCodeAt(at + 2)] as number;
  const d = DIGITS[text.charCodeAt(at + 3)] as number;
  return (a << 12) | (b << 8) | (c << 4) | d;
}

function writeBits16(bits: number, at: number): void {
  TEXT[at] = CODES[(bits >>> 12) & 15] as number;
  TEXT[at + 1] = CODES[(bits >>> 8) & 15] as number;
  TEXT[at + 2] = CODES[(bits >>> 4) & 15] as number;
  TEXT[at + 3] = CODES[bits & 15] as number;
}
