/**
 * Why sessions were ended; the names of the contract's `RevocationReason` in lower case. The service always has a reason:
 * `unspecified` is one of a later version, as a subscriber gets it.
 */
export type RevocationReason =
  | 'unspecified'
  | 'logout'
  | 'admin'
  | 'credential_change'
  | 'account_disabled'
  | 'security'
  | 'session_limit'
  | 'refresh_token_reuse'
  | 'rotated'
  | 'device_replaced';

/** Generations in the order of the `gen` claim: user, client, tenant, global. */
export type Generations = readonly [user: number, client: number, tenant: number, global: number];

/** What a revocation ends; the same cases as the contract's `Revocation.scope`. */
export type RevocationScope =
  | { readonly kind: 'session'; readonly tenantId: string; readonly sessionId: string; readonly minVersion: number }
  | {
      readonly kind: 'user';
      readonly tenantId: string;
      readonly userId: string;
      readonly minGeneration: number;
      /** Stays valid; empty where none does. */
      readonly exceptSessionId: string;
    }
  | { readonly kind: 'client'; readonly tenantId: string; readonly clientId: string; readonly minGeneration: number }
  | { readonly kind: 'tenant'; readonly tenantId: string; readonly minGeneration: number }
  | { readonly kind: 'key'; readonly kid: string }
  | { readonly kind: 'global'; readonly minGeneration: number };

/** One revocation, as it is logged, streamed and held in memory. */
export interface Revocation {
  readonly scope: RevocationScope;
  /** Nothing that this ends is accepted after this time (ms since the epoch); null for a key: never forget that. */
  readonly discardTimeMs: number | null;
  readonly reason: RevocationReason;
  readonly revokeTimeMs: number;
}
