import { createHash } from 'node:crypto';
import type { Caller } from './caller.ts';
import type { RequestStamp } from './store.ts';

/** 132 bits of a digest. */
const REFRESH_STAMP_LENGTH = 22;

/** What a request id is recorded under, which belongs to its caller, and a digest of the request; null where it has no id. */
export function stampRequest(
  rpc: string,
  caller: Caller,
  tenantId: string,
  requestId: string,
  content: Readonly<Record<string, unknown>>,
): RequestStamp | null {
  if (requestId === '') return null;
  return { key: digest([rpc, caller.name, tenantId, requestId]), hash: digestRequest(content) };
}

/** The same for a request of a session itself, of which the last alone is recorded; empty where it has no id. */
export function stampRefresh(caller: Caller, requestId: string): string {
  return requestId === '' ? '' : digest([caller.name, requestId]).slice(0, REFRESH_STAMP_LENGTH);
}

/** The same for the same request: its members come in the order of one type, its JSON texts are canonical. */
export function digestRequest(content: Readonly<Record<string, unknown>>): string {
  return digest(content);
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url');
}
