import type { Validation } from '../domain/validate.ts';
import { loadSessionService } from '../wire/loader.ts';
import { msToDuration } from '../wire/time.ts';
import { fromValidation } from './convert_response.ts';

const { responseSerialize } = loadSessionService().ValidateSession;

/** What is answered for tokens, but for its staleness; a character stands for a byte. */
const answers = new WeakMap<object, string>();

let lastStaleness = { ms: 0, bytes: encodeStaleness(0) };

/**
 * The message that answers a validation. For an active token that was seen before it is not encoded anew: bytes of one message
 * that follow each other are that message (Protocol Buffers, Encoding, "Last One Wins").
 */
export function encodeValidation(validation: Validation, full: boolean): Buffer {
  const token = plainlyActive(validation);
  if (token === null) return responseSerialize(fromValidation(validation, full));
  const known = answers.get(token);
  const answer = known ?? encodeWithoutStaleness(validation);
  if (known === undefined) answers.set(token, answer);
  return joined(answer, stalenessBytes(validation));
}

type KnownValidation = Exclude<Validation, { kind: 'invalid' }>;

/** The token, where the answer is the same for it each time. */
function plainlyActive(validation: Validation): object | null {
  if (validation.kind !== 'active' || validation.record !== null || validation.deviceChange !== null) return null;
  return validation.subject.claims === null ? validation.token : null;
}

function encodeWithoutStaleness(validation: Validation): string {
  const { staleness: _left, ...response } = fromValidation(validation, false);
  return responseSerialize(response).toString('latin1');
}

function stalenessBytes(validation: Validation): Buffer {
  const { stalenessMs: ms } = validation as KnownValidation;
  if (lastStaleness.ms !== ms) lastStaleness = { ms, bytes: encodeStaleness(ms) };
  return lastStaleness.bytes;
}

function encodeStaleness(ms: number): Buffer {
  return responseSerialize({ staleness: msToDuration(ms) });
}

function joined(text: string, bytes: Buffer): Buffer {
  const whole = Buffer.allocUnsafe(text.length + bytes.length);
  whole.write(text, 'latin1');
  whole.set(bytes, text.length);
  return whole;
}
