import type { AccessTokenVerifier } from '../token/verify.ts';
import type { SessionHandle } from './requests.ts';
import type { SessionRef } from './store.ts';
import type { TokenIssuer } from './tokens.ts';

interface Readers {
  readonly tokens: TokenIssuer;
  readonly verifier: AccessTokenVerifier;
}

const PREFIXES = { session: 'sas_', refresh: 'sar_' } as const;

/** Whom a handle names where any genuine credential will do, even an expired or spent one. */
export function genuineRef(readers: Readers, tenantId: string, handle: SessionHandle): SessionRef | undefined {
  switch (handle.kind) {
    case 'id':
      return { tenantIds: [tenantId], sessionId: handle.sessionId };
    case 'access': {
      const verified = readers.verifier.verify(handle.token);
      return verified.kind === 'invalid' ? undefined : { tenantIds: [tenantId], sessionId: verified.claims.sessionId };
    }
    case 'session':
    case 'refresh': {
      const token = readers.tokens.parse(PREFIXES[handle.kind], handle.token);
      return token === undefined
        ? undefined
        : { tenantIds: [tenantId], sessionId: token.sessionId, proof: { nonce: token.nonce } };
    }
  }
}

/** Whom a handle names where the credential must be good now; the store's step has the last word. */
export function currentRef(readers: Readers, tenantId: string, handle: SessionHandle): SessionRef | undefined {
  switch (handle.kind) {
    case 'id':
    case 'session':
      return genuineRef(readers, tenantId, handle);
    case 'access': {
      const verified = readers.verifier.verify(handle.token);
      if (verified.kind !== 'valid') return undefined;
      const { sessionId, version } = verified.claims;
      return { tenantIds: [tenantId], sessionId, proof: { version } };
    }
    case 'refresh': {
      const token = readers.tokens.parse('sar_', handle.token);
      if (token === undefined) return undefined;
      const { sessionId, nonce, generation } = token;
      return { tenantIds: [tenantId], sessionId, proof: { nonce, generation } };
    }
  }
}
