import { SessionError } from '../error.ts';
import type { KnownCaller } from './callers.ts';
import { costOf, type RequestOf, type Rpc, scopesNeeded } from './policy.ts';
import type { CallerRates } from './rates.ts';
import type { Scope } from './scopes.ts';

/** For what else than the RPC itself a scope is needed. */
const NEEDED_FOR: { readonly [S in Scope]?: string } = {
  'sessions.impersonate': ' to set actor',
  'sessions.manage': ' to name a session by its bare id; name it by a credential of it',
  admin: ' to end the sessions of a whole client or tenant',
};

/**
 * Lets a caller do what its scopes allow, as often as its rate does.
 *
 * @param request as it came, with nothing in it checked
 * @throws {SessionError} CALLER_NOT_ALLOWED, RATE_LIMITED
 */
export function admit<R extends Rpc>(rates: CallerRates, caller: KnownCaller, rpc: R, request: RequestOf<R>): void {
  // What is refused counts too.
  rates.charge(caller, costOf(rpc, request));
  const missing = scopesNeeded(rpc, request).find((scope) => !allows(caller, scope));
  if (missing !== undefined) {
    const purpose = NEEDED_FOR[missing] ?? '';
    throw new SessionError('CALLER_NOT_ALLOWED', `the caller needs the scope ${missing}${purpose}`);
  }
}

function allows({ scopes }: KnownCaller, scope: Scope): boolean {
  return scopes.has(scope) || scopes.has('admin');
}
