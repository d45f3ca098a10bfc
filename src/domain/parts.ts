import type { RevocationFeed } from '../revocation/feed.ts';
import type { RevocationReason } from '../revocation/revocation.ts';
import type { AccessTokenVerifier } from '../token/verify.ts';
import type { ConsistencyTokens } from './consistency_token.ts';
import type { PageTokens } from './page_token.ts';
import type { SessionStore } from './store.ts';
import type { SessionRules } from './timeouts.ts';
import type { TokenIssuer } from './tokens.ts';

/** What an operator may want to know afterwards; holds no token and no claim. */
export interface AuditRecord {
  /** `sessions_displaced`: by the session that was begun, its device or the user's limit. */
  readonly action: 'session_revoked' | 'sessions_revoked' | 'sessions_displaced' | 'refresh_token_reused';
  readonly tenantId: string;
  readonly sessionId?: string;
  readonly endedSessionIds?: readonly string[];
  readonly userId?: string;
  readonly clientId?: string;
  readonly deviceId?: string;
  readonly exceptSessionId?: string;
  /** ISO 8601. */
  readonly createTimeBefore?: string;
  readonly denyCreateUntil?: string;
  /** Where sessions ended one by one. */
  readonly count?: number;
  readonly reason?: RevocationReason;
  readonly actorUserId?: string;
  readonly actorReason?: string;
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
