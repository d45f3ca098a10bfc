import { type StatusObject, status } from '@grpc/grpc-js';
import { loadErrorDetails } from '../wire/loader.ts';
import { durationToMs } from '../wire/time.ts';

/** How a call ended, as the service or the way to it said. */
export interface Refusal {
  readonly code: status;
  /** An `ErrorReason` of the contract without its prefix; empty where it was not the service that answered. */
  readonly reason: string;
  /** One line for people: the status's name and what was said. */
  readonly text: string;
  /** How long to wait at least before another attempt; 0 where nothing was said. */
  readonly retryAfterMs: number;
}

const TYPES = loadErrorDetails();
const NOTHING = Buffer.alloc(0);

export function refusalOf({ code, details, metadata }: StatusObject): Refusal {
  const text = `${status[code] ?? code}: ${details}`;
  try {
    const [bytes] = metadata.get('grpc-status-details-bin');
    const { details: parts } = TYPES.status.deserialize(Buffer.isBuffer(bytes) ? bytes : NOTHING);
    const part = (name: string) => parts.find(({ type_url }) => type_url.endsWith(`/google.rpc.${name}`))?.value;
    const { retryDelay } = TYPES.retryInfo.deserialize(part('RetryInfo') ?? NOTHING);
    const { reason = '' } = TYPES.errorInfo.deserialize(part('ErrorInfo') ?? NOTHING);
    return { code, reason, text, retryAfterMs: retryDelay ? (durationToMs(retryDelay) ?? 0) : 0 };
  } catch {
    // Not what the service writes.
    return { code, reason: '', text, retryAfterMs: 0 };
  }
}
