import { isIPv4, isIPv6 } from 'node:net';

/** What is wrong with a variable, and what it may be. */
export class Fault {
  readonly text: string;

  /** Neither text may hold any of what was read: it may be a secret in the wrong place. */
  constructor(wrong: string, allowed: string) {
    this.text = `${wrong}; allowed: ${allowed}`;
  }
}

/** An IPv6 host is kept without its brackets. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
/** The largest unit first. */
const UNITS: Readonly<Record<string, number>> = { d: DAY, h: HOUR, m: MINUTE, s: SECOND, ms: 1 };

export function oneOf<T extends string>(...allowed: readonly T[]): (text: string) => T | Fault {
  return (text) => allowed.find((value) => value === text) ?? new Fault('is none of its values', allowed.join(', '));
}

export function flag(text: string): boolean | Fault {
  return text === 'true' || text === 'false' ? text === 'true' : new Fault('is none of its values', 'true, false');
}

export function wholeNumber(max: number, min = 0): (text: string) => number | Fault {
  return (text) => {
    if (/^\d{1,9}$/.test(text) && Number(text) <= max && Number(text) >= min) return Number(text);
    return new Fault('is not such a number', `a whole number from ${min} to ${max}`);
  };
}

export function duration(min: number, max: number): (text: string) => number | Fault {
  return (text) => {
    const ms = durationMs(text);
    const range = `from ${durationText(min)} to ${durationText(max)}`;
    if (ms === null) return new Fault('is not a duration', `such as 250ms, 10s, 15m, 12h or 7d, ${range}`);
    return ms >= min && ms <= max ? ms : new Fault('is out of range', range);
  };
}

/** Null where the text is no duration, or no whole number of ms. Exact: 1.1s is 1100 ms, without binary fractions. */
function durationMs(text: string): number | null {
  if (text === '0') return 0;
  const [, whole = '', fraction = '', unit = ''] = /^(\d{1,12})(?:\.(\d{1,12}))?(ms|[smhd])$/.exec(text) ?? [];
  if (whole === '') return null;
  const scaled = BigInt(whole + fraction) * BigInt(UNITS[unit] ?? 0);
  const scale = 10n ** BigInt(fraction.length);
  return scaled % scale === 0n ? Number(scaled / scale) : null;
}

export function durationText(ms: number): string {
  const [unit, size] = Object.entries(UNITS).find(([, size]) => ms % size === 0) ?? ['ms', 1];
  return ms === 0 ? '0' : `${ms / size}${unit}`;
}

export function address(text: string): Address | Fault {
  const [, inBrackets, plain, port] = /^(?:\[([^\]]*)\]|([^:]*)):(0|[1-9]\d{0,4})$/.exec(text) ?? [];
  const host = inBrackets ?? plain ?? '';
  const known = inBrackets === undefined ? isHost(host) : isIPv6(host);
  if (known && Number(port) <= 65_535) return { host, port: Number(port) };
  return new Fault('is not an address', 'HOST:PORT or [IPV6]:PORT, with a port from 0 to 65535');
}

/** A name, or an IPv4 address; what consists of digits and dots alone can only be the latter. */
function isHost(text: string): boolean {
  if (/^[\d.]*$/.test(text)) return isIPv4(text);
  return text.length <= 253 && /^[a-z\d]([\w.-]*[a-z\d])?$/i.test(text);
}
