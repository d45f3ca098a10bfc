import { createHash } from 'node:crypto';
import { SessionError } from '../error.ts';
import { deriveKey } from '../token/master_key.ts';
import { openValue, signValue } from '../token/signed_value.ts';
import type { ListQuery } from './store.ts';

type Position = NonNullable<ListQuery['after']>;
type Query = Omit<ListQuery, 'limit' | 'after'>;

/** Makes and reads page tokens: signed list positions, each bound to the query that it continues. */
export class PageTokens {
  readonly #key: Buffer;

  constructor(masterKey: Uint8Array) {
    this.#key = deriveKey(masterKey, 'page token');
  }

  format(query: Query, { createTimeMs, sessionId }: Position): string {
    const value = JSON.stringify([digest(query), createTimeMs, sessionId]);
    return signValue(this.#key, Buffer.from(value)).toString('base64url');
  }

  /** Throws INVALID_TOKEN_PARAMETER for a token that was tampered with or is of another query. */
  parse(query: Query, token: string): Position {
    const bytes = Buffer.from(token, 'base64url');
    const value = bytes.toString('base64url') === token ? openValue(this.#key, bytes) : undefined;
    const [queryDigest, createTimeMs, sessionId] =
      value === undefined ? ['', 0, ''] : (JSON.parse(value.toString()) as [string, number, string]);
    if (queryDigest === digest(query)) return { createTimeMs, sessionId };
    throw foreignPageToken();
  }
}

/** Of a token that was not given for this query, or not to those who may ask it. */
export function foreignPageToken(): SessionError {
  return new SessionError(
    'INVALID_TOKEN_PARAMETER',
    'page_token: not one that this service gave for the same query; start again without it',
  );
}

function digest({ tenantId, userId, clientId, deviceId, states }: Query): string {
  const text = JSON.stringify([tenantId, userId, clientId, deviceId, [...states].sort()]);
  return createHash('sha256').update(text).digest('base64url');
}
