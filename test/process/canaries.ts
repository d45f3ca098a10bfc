import { randomBytes } from 'node:crypto';

/** Where a canary must not be. */
export interface Sight {
  readonly name: string;
  readonly spelling: string;
}

interface Spelling {
  readonly name: string;
  /** How it may be written; several where that depends on what stands before it. */
  readonly write: (bytes: Buffer) => readonly string[];
  /** What eight bytes of it take, in characters. */
  readonly width: number;
}

/** Shorter parts of a secret are found in any text by chance. */
const PART_BYTES = 8;

const SPELLINGS: readonly Spelling[] = [
  { name: 'plain', write: (bytes) => [bytes.toString('latin1')], width: PART_BYTES },
  { name: 'hex', write: (bytes) => [bytes.toString('hex')], width: 2 * PART_BYTES },
  { name: 'spaced hex', write: (bytes) => [hexOf(bytes).join(' ')], width: 3 * PART_BYTES - 1 },
  {
    name: 'percent',
    write: (bytes) => [
      hexOf(bytes)
        .map((pair) => `%${pair}`)
        .join(''),
    ],
    width: 3 * PART_BYTES,
  },
  // The bytes before it decide which of three texts it becomes, and its first and last characters.
  { name: 'base64', write: (bytes) => base64Of(bytes, 'base64'), width: PART_BYTES + 2 },
  { name: 'base64url', write: (bytes) => base64Of(bytes, 'base64url'), width: PART_BYTES + 2 },
];

/** Values that must stay where they are, and the search for them and for any eight bytes of them, in any letter case. */
export class Canaries {
  readonly #parts = new Map<Spelling, Map<string, string>>();
  readonly #whole = new Map<string, Sight>();

  /** A new one, which is no value of anything else: 24 letters and digits. */
  make(name: string): string {
    const text = BigInt(`0x${randomBytes(24).toString('hex')}`)
      .toString(36)
      .padStart(24, 'q')
      .slice(-24);
    this.learn(name, text);
    return text;
  }

  /** A value that has nothing in common with what may be seen. */
  learn(name: string, value: string | Buffer): string {
    const bytes = Buffer.from(value);
    for (const spelling of SPELLINGS) {
      const parts = this.#parts.get(spelling) ?? new Map<string, string>();
      this.#parts.set(spelling, parts);
      for (const written of spelling.write(bytes)) {
        for (const part of windows(written.toLowerCase(), spelling.width)) parts.set(part, name);
      }
    }
    return value.toString();
  }

  /** A value whose parts may be seen, but not all of it: an id, whose beginning is a time. */
  learnWhole(name: string, value: string): string {
    const bytes = Buffer.from(value);
    for (const spelling of SPELLINGS) {
      for (const written of spelling.write(bytes)) {
        this.#whole.set(written.toLowerCase(), { name, spelling: spelling.name });
      }
    }
    if (/^[\da-f-]{36}$/.test(value)) this.#whole.set(value.replaceAll('-', ''), { name, spelling: 'without dashes' });
    return value;
  }

  /** A refresh or session token, and the bytes in it behind the session id. */
  learnToken(name: string, token: string): string {
    this.learn(name, token);
    if (token.startsWith('eyJ')) return token;
    this.learn(`${name}, decoded`, Buffer.from(token.slice(4, -6), 'base64url').subarray(16));
    return token;
  }

  /** Each that is in the text. */
  seenIn(output: string): Sight[] {
    const text = output.toLowerCase();
    const seen = new Map<string, Sight>();
    const see = (sight: Sight) => void seen.set(`${sight.name} ${sight.spelling}`, sight);
    for (const [spelling, parts] of this.#parts) {
      for (const part of windows(text, spelling.width)) {
        const name = parts.get(part);
        if (name !== undefined) see({ name, spelling: spelling.name });
      }
    }
    for (const [written, sight] of this.#whole) if (text.includes(written)) see(sight);
    return [...seen.values()];
  }
}

function* windows(text: string, width: number): Generator<string> {
  for (let start = 0; start + width <= text.length; start += 1) yield text.slice(start, start + width);
}

function hexOf(bytes: Buffer): string[] {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0'));
}

function base64Of(bytes: Buffer, encoding: 'base64' | 'base64url'): string[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString(encoding)
      .replace(/=+$/, '');
    return text.slice(before === 0 ? 0 : before + 1, (before + bytes.length) % 3 === 0 ? undefined : -1);
  });
}
