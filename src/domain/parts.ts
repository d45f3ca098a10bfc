import type { RevocationFeed } from '../revocation/feed.ts';
import type { AccessTokenVerifier } from '../token/verify.ts';
import type { AuditRecord } from './audit.ts';
import type { ConsistencyTokens } from './consistency_token.ts';
import type { ConsistencyWaits } from './consistency_waits.ts';
import type { PageTokens } from './page_token.ts';
import type { SessionStore } from './store.ts';
import type { SessionRules } from './timeouts.ts';
import type { TokenIssuer } from './tokens.ts';

/** What the authority is made of. */
export interface AuthorityParts {
  readonly store: SessionStore;
  readonly feed: RevocationFeed;
  readonly tokens: TokenIssuer;
  readonly verifier: AccessTokenVerifier;
  readonly consistencyTokens: ConsistencyTokens;
  readonly consistencyWaits: ConsistencyWaits;
  readonly pageTokens: PageTokens;
  readonly rules: SessionRules;
  readonly audit: (record: AuditRecord) => void;
  /** This instance's clock, in ms since the epoch. */
  readonly now: () => number;
}
