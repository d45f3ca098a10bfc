import type { RevocationFeed } from '../revocation/feed.ts';
import type { RevocationReason } from '../revocation/revocation.ts';
import type { AccessTokenVerifier } from '../token/verify.ts';
import type { ConsistencyTokens } from './consistency_token.ts';
import type { PageTokens } from './page_token.ts';
import type { RevokeManyRequest } from './requests.ts';
import type { Actor } from './session.ts';
import type { SessionStore } from './store.ts';
import type { SessionRules } from './timeouts.ts';
import type { TokenIssuer } from './tokens.ts';

/** What an operator may want to know afterwards; holds no token and no claim. */
export interface AuditRecord {
  readonly action: 'session_revoked' | 'sessions_revoked' | 'refresh_token_reused';
  readonly tenantId: string;
  readonly sessionId?: string;
  readonly scope?: RevokeManyRequest['scope'];
  readonly reason: RevocationReason;
  readonly actor: Actor | null;
}

/** What the authority is made of. */
export interface AuthorityParts {
  readonly store: SessionStore;
  readonly feed: RevocationFeed;
  readonly tokens: TokenIssuer;
  readonly verifier: AccessTokenVerifier;
  readonly consistencyTokens: ConsistencyTokens;
  readonly pageTokens: PageTokens;
  readonly rules: SessionRules;
  readonly audit: (record: AuditRecord) => void;
  /** This instance's clock, in ms since the epoch. */
  readonly now: () => number;
}
