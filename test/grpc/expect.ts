import assert from 'node:assert/strict';
import type { Struct, Struct__Output } from '../../src/wire/gen/google/protobuf/Struct.ts';
import type { Session__Output } from '../../src/wire/gen/sessionauthority/v1/Session.ts';
import type { Tokens__Output } from '../../src/wire/gen/sessionauthority/v1/Tokens.ts';
import { jsonToStruct, structToJson } from '../../src/wire/struct.ts';
import { type Request, type Response, RpcError, type SessionClient } from './client.ts';

/** What a refusal must be. */
export interface Refusal {
  readonly status: string;
  /** From ErrorInfo. */
  readonly reason: string;
  /** Exactly these paths, in order, from BadRequest. */
  readonly fields?: readonly string[];
}

/** The error that a call is refused with; fails where it is answered. */
export async function refusalOf(call: Promise<unknown>): Promise<RpcError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof RpcError) return error;
    throw error;
  }
  throw new assert.AssertionError({ message: 'the call was answered, though it had to be refused' });
}

export async function assertRefused(call: Promise<unknown>, expected: Refusal): Promise<RpcError> {
  const error = await refusalOf(call);
  const { status, reason, domain, fields } = error;
  assert.deepEqual(
    { status, reason, domain },
    { status: expected.status, reason: expected.reason, domain: 'sessionauthority' },
    error.message,
  );
  if (expected.fields !== undefined) assert.deepEqual(fields, expected.fields, error.message);
  else assert.deepEqual(fields, [], error.message);
  return error;
}

/** A refusal of these fields. */
export function assertInvalid(call: Promise<unknown>, ...fields: readonly string[]): Promise<RpcError> {
  return assertRefused(call, { status: 'INVALID_ARGUMENT', reason: 'INVALID_FIELD', fields });
}

/** A session that was just opened. */
export interface Opened {
  readonly session: Session__Output;
  readonly tokens: Tokens__Output;
  readonly response: Response<'CreateSession'>;
}

export async function open(client: SessionClient, request: Request<'CreateSession'> = {}): Promise<Opened> {
  const response = await client.call('CreateSession', request);
  return { session: present(response.session), tokens: present(response.tokens), response };
}

export async function refresh(client: SessionClient, refreshToken: string, request: Request<'RefreshSession'> = {}) {
  const response = await client.call('RefreshSession', { ...request, refreshToken });
  return { session: present(response.session), tokens: present(response.tokens), response };
}

/** The session as it is now, with its data. */
export async function fullSession(client: SessionClient, sessionId: string, tenantId = ''): Promise<Session__Output> {
  const request = { tenantId, session: { sessionId }, view: 'SESSION_VIEW_FULL' } as const;
  return present((await client.call('GetSession', request)).session);
}

export type Consistency = 'CONSISTENCY_LOCAL' | 'CONSISTENCY_STRONG';
export const CONSISTENCIES: readonly Consistency[] = ['CONSISTENCY_LOCAL', 'CONSISTENCY_STRONG'];

/** 'ACTIVE', or why not. */
export async function verdict(
  client: SessionClient,
  { accessToken = '', sessionToken = '' }: { readonly accessToken?: string; readonly sessionToken?: string },
  consistency: Consistency = 'CONSISTENCY_LOCAL',
): Promise<string> {
  const credential = sessionToken === '' ? { accessToken } : { sessionToken };
  const { active, inactiveReason } = await client.call('ValidateSession', { ...credential, consistency });
  assert.equal(active, inactiveReason === 'INACTIVE_REASON_UNSPECIFIED');
  return active ? 'ACTIVE' : inactiveReason.replace('INACTIVE_REASON_', '');
}

/** Both LOCAL and STRONG must say the same. */
export async function assertVerdict(client: SessionClient, accessToken: string, expected: string): Promise<void> {
  for (const consistency of CONSISTENCIES) {
    assert.equal(await verdict(client, { accessToken }, consistency), expected, consistency);
  }
}

export function present<T>(value: T | null | undefined): T {
  assert(value !== null && value !== undefined);
  return value;
}

/** Milliseconds since the epoch of a time in an answer that must have it. */
export function ms(time: { readonly seconds: number; readonly nanos: number } | null): number {
  const { seconds, nanos } = present(time);
  assert(nanos >= 0 && nanos <= 999_999_999);
  return seconds * 1000 + nanos / 1e6;
}

/** A duration in a request. */
export function seconds(value: number): { seconds: number; nanos: number } {
  return { seconds: Math.floor(value), nanos: Math.round((value % 1) * 1e9) };
}

/** What a JWT says, unverified. */
export function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
}

/** A Struct in a request. */
export function struct(object: Readonly<Record<string, unknown>>): Struct {
  return jsonToStruct(object);
}

/** What a Struct in an answer holds; null where it is unset. */
export function unstruct(value: Struct__Output | null): unknown {
  return value === null ? null : JSON.parse(structToJson(value, 100));
}

/** Runs `step` for each item, at most `width` at a time, and keeps their order. */
export async function inParallel<T, R>(
  items: readonly T[],
  width: number,
  step: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++) results[index] = await step(items[index] as T);
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

export function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
