import { type FieldViolation, SessionError } from '../error.ts';
import type { Duration } from '../wire/gen/google/protobuf/Duration.ts';
import type { Struct } from '../wire/gen/google/protobuf/Struct.ts';
import type { Timestamp } from '../wire/gen/google/protobuf/Timestamp.ts';
import { MAX_STRUCT_DEPTH, StructFault, uncheckedToStruct } from '../wire/struct.ts';
import { msToDuration, msToTimestamp } from '../wire/time.ts';

/**
 * Converts fields of one request whose values the wire would change without a word, and collects every fault. All else is
 * the service's to refuse.
 */
export class RequestFields {
  readonly #prefix: string;
  readonly #violations: FieldViolation[] = [];

  /** @param prefix of the paths in violations, such as `requests[1].` */
  constructor(prefix = '') {
    this.#prefix = prefix;
  }

  /** @throws {SessionError} INVALID_FIELD where any field was bad, as the service would answer */
  check(): void {
    if (this.#violations.length === 0) return;
    const texts = this.#violations.map(({ field, description }) => `${field}: ${description}`);
    throw new SessionError('INVALID_FIELD', texts.join('; '), { violations: this.#violations });
  }

  struct(field: string, object: unknown): Struct | undefined {
    if (object === undefined) return undefined;
    try {
      return uncheckedToStruct(object, MAX_STRUCT_DEPTH);
    } catch (error) {
      if (!(error instanceof StructFault)) throw error;
      return this.#fault(field, error.message);
    }
  }

  time(field: string, date: Date | undefined): Timestamp | undefined {
    if (date === undefined) return undefined;
    const ms = date.getTime();
    return Number.isNaN(ms) ? this.#fault(field, 'is no time') : msToTimestamp(ms);
  }

  duration(field: string, ms: number | undefined): Duration | undefined {
    if (ms === undefined) return undefined;
    // No longer than google.protobuf.Duration may be: the service would read another number.
    if (!(Math.abs(ms) <= 315_576_000_000_000)) return this.#fault(field, 'must be a finite number of ms');
    // A part of a ms is not nothing, and no duration has more than nanoseconds.
    return msToDuration(ms < 0 ? Math.floor(ms) : Math.ceil(ms));
  }

  integer(field: string, value: number | undefined): number | undefined {
    if (value === undefined || (Number.isInteger(value) && Math.abs(value) < 2 ** 31)) return value;
    return this.#fault(field, 'must be an integer of 32 bits');
  }

  /** A misspelt name would mean what an unset one does. */
  choice<T>(field: string, name: string | undefined, choices: Readonly<Record<string, T>>): T | undefined {
    if (name === undefined) return undefined;
    if (!Object.hasOwn(choices, name)) return this.#fault(field, `must be one of ${Object.keys(choices).join(', ')}`);
    return choices[name];
  }

  #fault(field: string, description: string): undefined {
    this.#violations.push({ field: this.#prefix + field, description });
    return undefined;
  }
}
