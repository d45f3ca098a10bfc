import { LIMITS } from '../domain/limits.ts';
import type { SessionServiceDefinition } from '../wire/gen/sessionauthority/v1/SessionService.ts';
import type { ValidateSessionRequest__Output } from '../wire/gen/sessionauthority/v1/ValidateSessionRequest.ts';
import type { SessionHandle__Output } from '../wire/gen/sessionauthority/v1/SessionHandle.ts';
import type { Scope } from './scopes.ts';

/** The contract's RPCs, without the index signature of what is generated from it. */
type Rpcs = {
  [R in keyof SessionServiceDefinition as string extends R
    ? never
    : number extends R
      ? never
      : R]: SessionServiceDefinition[R];
};

export type Rpc = keyof Rpcs;
export type RequestOf<R extends Rpc> = ReturnType<Rpcs[R]['requestDeserialize']>;

const NONE: readonly Scope[] = [];
const VALIDATE: readonly Scope[] = ['sessions.validate'];
const VALIDATE_AND_READ: readonly Scope[] = ['sessions.validate', 'sessions.read'];

/** The scopes that a request takes, all of them; a request that nothing has checked yet. */
const POLICIES: { readonly [R in Rpc]: (request: RequestOf<R>) => readonly Scope[] } = {
  CreateSession: ({ actor }) => (actor === null ? ['sessions.create'] : ['sessions.create', 'sessions.impersonate']),
  RefreshSession: () => ['sessions.refresh'],
  ValidateSession: validation,
  BatchValidateSessions: ({ requests }) =>
    requests.some(({ includeSession }) => includeSession) ? VALIDATE_AND_READ : VALIDATE,
  GetSession: ({ session }) => ['sessions.read', ...naming(session)],
  ListSessions: () => ['sessions.read'],
  UpdateSession: ({ session }) => ['sessions.update', ...naming(session)],
  RotateSession: ({ session }) => ['sessions.rotate', ...naming(session)],
  RevokeSession: ({ session }) => ['sessions.revoke', ...naming(session)],
  // A user's sessions are the business of whoever logs users in and out; a whole client or tenant is not.
  RevokeSessions: ({ userId }) => (userId === undefined ? ['admin'] : ['sessions.revoke']),
  WatchRevocations: () => ['revocations.watch'],
  // Public keys.
  GetJwks: () => NONE,
};

export function scopesNeeded<R extends Rpc>(rpc: R, request: RequestOf<R>): readonly Scope[] {
  return POLICIES[rpc](request);
}

/** How many calls of the caller's rate a request counts for: a batch that is too large, and so refused, as the largest. */
export function costOf<R extends Rpc>(rpc: R, request: RequestOf<R>): number {
  if (rpc !== 'BatchValidateSessions') return 1;
  const items = (request as RequestOf<'BatchValidateSessions'>).requests.length;
  return Math.min(Math.max(1, items), LIMITS.batchItems);
}

function validation({ includeSession }: ValidateSessionRequest__Output): readonly Scope[] {
  return includeSession ? VALIDATE_AND_READ : VALIDATE;
}

function naming(session: SessionHandle__Output | null): readonly Scope[] {
  return session?.sessionId === undefined ? NONE : ['sessions.manage'];
}
