import { createHash } from 'node:crypto';
import type { RequestStamp } from './store.ts';

/** What a request id is recorded under, and a digest of the request; null where it has no id. */
export function stampRequest(
  rpc: string,
  tenantId: string,
  requestId: string,
  content: Readonly<Record<string, unknown>>,
): RequestStamp | null {
  if (requestId === '') return null;
  return { key: digest([rpc, tenantId, requestId]), hash: digestRequest(content) };
}

/** The same for the same request: its members come in the order of one type, its JSON texts are canonical. */
export function digestRequest(content: Readonly<Record<string, unknown>>): string {
  return digest(content);
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url');
}
