import type { SessionServiceDefinition } from '../wire/gen/sessionauthority/v1/SessionService.ts';
import type { CallStatus, Refusal } from './call_error.ts';

/** The RPCs that have one answer. */
export type UnaryRpc = Exclude<
  keyof { [R in keyof SessionServiceDefinition as string extends R ? never : number extends R ? never : R]: true },
  'WatchRevocations'
>;

/** What makes it safe to send a request again when nobody knows whether it was carried out. */
type Safety =
  /** It changes nothing, or what a second time does not change any further. */
  | 'read'
  /** The service does the same request_id once, and answers a repeat as it did the first. */
  | 'request_id'
  /** With an etag it is carried out once at most, though a repeat cannot tell whether it was. */
  | 'etag';

/** By the contract's words, RPC by RPC. */
export const SAFETY: Readonly<Record<UnaryRpc, Safety>> = {
  CreateSession: 'request_id',
  // Only until the successor has been used, and in any case within the grace: see LATEST_MS.
  RefreshSession: 'request_id',
  // The idle timeout slides, and to the same end.
  ValidateSession: 'read',
  BatchValidateSessions: 'read',
  GetSession: 'read',
  ListSessions: 'read',
  // A merge or replacement sent twice would undo what another caller wrote in between.
  UpdateSession: 'etag',
  RotateSession: 'request_id',
  RevokeSession: 'request_id',
  // Without the id it would end what was opened in between.
  RevokeSessions: 'request_id',
  GetJwks: 'read',
};

/**
 * How long after the first attempt the last may begin. Where others present the same refresh token meanwhile, and use its
 * successor, a repeat after the grace would be theft and end the session: half of the service's default, 10 s.
 */
const LATEST_MS: Readonly<Partial<Record<UnaryRpc, number>>> = { RefreshSession: 5_000 };

/** Not a word of the service: the connection broke, another server stood in its place, or it was cut off at its end. */
const LOST: ReadonlySet<CallStatus> = new Set(['UNAVAILABLE', 'CANCELLED', 'INTERNAL']);

/** Whether it is unknown if what was asked has happened, or will. */
export function isInDoubt({ status, reason }: Refusal): boolean {
  return status === 'UNAVAILABLE' || (reason === '' && LOST.has(status));
}

/**
 * Whether another attempt is safe and of use. One that ran into its deadline is not repeated: there is no time left.
 *
 * @param request as it was sent
 * @param afterMs how long after the first attempt the next would begin
 */
export function mayRepeat(
  rpc: UnaryRpc,
  request: { readonly etag?: string | undefined },
  refusal: Refusal,
  afterMs: number,
): boolean {
  if (afterMs > (LATEST_MS[rpc] ?? Number.POSITIVE_INFINITY)) return false;
  // Turned away before anything was done.
  if (refusal.reason === 'RATE_LIMITED') return true;
  if (!isInDoubt(refusal)) return false;
  switch (SAFETY[rpc]) {
    case 'read':
    case 'request_id':
      return true;
    case 'etag':
      return Boolean(request.etag);
  }
}
