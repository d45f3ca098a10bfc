import { isUuid } from '../domain/session_id.ts';
import { type FieldViolation, SessionError } from '../error.ts';
import type { Duration__Output } from '../wire/gen/google/protobuf/Duration.ts';
import type { Struct__Output } from '../wire/gen/google/protobuf/Struct.ts';
import type { Timestamp__Output } from '../wire/gen/google/protobuf/Timestamp.ts';
import { StructFault, structToJson } from '../wire/struct.ts';
import { durationToMs, timestampToMs } from '../wire/time.ts';
import { LIMITS } from '../domain/limits.ts';

/** C0 controls, DEL, and what stands for bytes that were not UTF-8: two such ids could look alike. */
const REFUSED_CHARACTERS = /[\u0000-\u001f\u007f\ufffd]/;

/** How many violations are told: errors travel as metadata, of which clients take 8 KiB in all. */
const MAX_VIOLATIONS = 16;

/**
 * Checks the fields of one request and collects every fault, so that a caller learns of all at
 * once. A reader returns something usable even for a bad field; `check` must come before its use.
 */
export class Fields {
  readonly #prefix: string;
  readonly #violations: FieldViolation[];

  constructor(prefix = '', violations: FieldViolation[] = []) {
    this.#prefix = prefix;
    this.#violations = violations;
  }

  /** The same collection for a message within the request. */
  within(name: string): Fields {
    return new Fields(`${this.#prefix}${name}.`, this.#violations);
  }

  /** Throws INVALID_FIELD where any field was bad. */
  check(): void {
    if (this.#violations.length === 0) return;
    const violations = this.#violations.slice(0, MAX_VIOLATIONS);
    const texts = violations.map(({ field, description }) => `${field}: ${description}`);
    if (this.#violations.length > MAX_VIOLATIONS) texts.push('and more');
    throw new SessionError('INVALID_FIELD', texts.join('; '), { violations });
  }

  fault(field: string, description: string): void {
    if (this.#violations.length <= MAX_VIOLATIONS) this.#violations.push({ field: this.#prefix + field, description });
  }

  /** Refuses two members of a oneof at once: readers of one message would disagree on which of them counts. */
  single(oneof: string, ...members: readonly (string | boolean | undefined)[]): void {
    if (members.filter((member) => member !== undefined).length > 1) this.fault(oneof, 'more than one of it is set');
  }

  text(field: string, value: string, maxBytes: number): string {
    if (Buffer.byteLength(value) > maxBytes) this.fault(field, `longer than ${maxBytes} bytes of UTF-8`);
    else if (REFUSED_CHARACTERS.test(value)) this.fault(field, 'holds a control character or invalid UTF-8');
    return value;
  }

  requiredText(field: string, value: string, maxBytes: number): string {
    if (value === '') this.fault(field, 'required');
    return this.text(field, value, maxBytes);
  }

  texts(field: string, values: readonly string[], maxItems: number, maxBytes: number): readonly string[] {
    if (values.length > maxItems) this.fault(field, `more than ${maxItems} items`);
    else for (const [index, value] of values.entries()) this.requiredText(`${field}[${index}]`, value, maxBytes);
    return values;
  }

  /** A UUID (RFC 9562) in lower case; empty stays empty. */
  uuid(field: string, value: string): string {
    const lower = value.toLowerCase();
    if (value !== '' && !isUuid(lower))
      this.fault(field, 'must be a UUID such as 00000000-0000-7000-8000-000000000000');
    return lower;
  }

  requiredUuid(field: string, value: string): string {
    if (value === '') this.fault(field, 'required');
    return this.uuid(field, value);
  }

  bytes(field: string, value: Uint8Array, maxBytes: number): Uint8Array | null {
    if (value.length > maxBytes) this.fault(field, `longer than ${maxBytes} bytes`);
    return value.length === 0 ? null : value;
  }

  timeMs(field: string, value: Timestamp__Output | null): number | null {
    if (value === null) return null;
    const ms = timestampToMs(value);
    if (ms === undefined) this.fault(field, 'not a valid timestamp (years 1 to 9999, nanos 0 to 999,999,999)');
    return ms ?? 0;
  }

  durationMs(field: string, value: Duration__Output | null): number | null {
    if (value === null) return null;
    const ms = durationToMs(value);
    if (ms === undefined) this.fault(field, 'must be a valid duration and not negative');
    return ms ?? null;
  }

  /** A JSON object as canonical text. */
  json(
    field: string,
    value: Struct__Output | null,
    maxBytes: number,
    refusedNames?: ReadonlySet<string>,
  ): string | null {
    if (value === null) return null;
    const name = Object.keys(value.fields).find((candidate) => refusedNames?.has(candidate));
    if (name !== undefined) this.fault(field, `must not hold the registered or reserved claim ${name}`);
    try {
      const json = structToJson(value, LIMITS.structDepth);
      if (Buffer.byteLength(json) > maxBytes) this.fault(field, `larger than ${maxBytes} bytes of JSON`);
      return json;
    } catch (error) {
      if (!(error instanceof StructFault)) throw error;
      this.fault(field, `${error.message} (at most ${LIMITS.structDepth} levels)`);
      return null;
    }
  }

  /** Looks an enum's name up; unknown values arrive as numbers, whatever the type says. */
  choice<T>(field: string, value: string | number, choices: Readonly<Record<string, T>>, fallback: T): T {
    const name = String(value);
    if (Object.hasOwn(choices, name)) return choices[name] ?? fallback;
    this.fault(field, 'not a value that this request may have');
    return fallback;
  }
}
