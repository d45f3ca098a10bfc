import { LIMITS } from '../../src/domain/limits.ts';
import type { Request, UnaryRpc } from './client.ts';

const UNKNOWN_ID = '00000000-0000-7000-8000-000000000000';
/** Names a session that there is not. */
export const HANDLE = { session: { sessionId: UNKNOWN_ID } };

type Case = {
  readonly [R in UnaryRpc]: readonly [rpc: R, field: string, max: number, request: (text: string) => Request<R>];
}[UnaryRpc];

const DEVICE = [
  ['device_id', LIMITS.deviceId, (deviceId: string) => ({ deviceId })],
  ['name', LIMITS.deviceName, (name: string) => ({ name })],
  ['user_agent', LIMITS.userAgent, (userAgent: string) => ({ userAgent })],
  ['ip_address', LIMITS.ipAddress, (ipAddress: string) => ({ ipAddress })],
] as const;

const ACTOR = [
  ['user_id', LIMITS.userId, (userId: string) => ({ userId })],
  ['tenant_id', LIMITS.tenantId, (tenantId: string) => ({ tenantId, userId: 'x' })],
  ['reason', LIMITS.actorReason, (reason: string) => ({ reason, userId: 'x' })],
] as const;

/** Every bounded string of every request. */
export const STRINGS: readonly Case[] = [
  ['CreateSession', 'tenant_id', LIMITS.tenantId, (tenantId) => ({ tenantId })],
  ['CreateSession', 'user_id', LIMITS.userId, (userId) => ({ userId })],
  ['CreateSession', 'client_id', LIMITS.clientId, (clientId) => ({ clientId })],
  ['CreateSession', 'acr', LIMITS.acr, (acr) => ({ acr })],
  ['CreateSession', 'amr[1]', LIMITS.amrItem, (text) => ({ amr: ['pwd', text] })],
  ['CreateSession', 'audiences[0]', LIMITS.audience, (text) => ({ audiences: [text] })],
  ...DEVICE.map(
    ([field, max, device]): Case => ['CreateSession', `device.${field}`, max, (text) => ({ device: device(text) })],
  ),
  ...ACTOR.map(
    ([field, max, actor]): Case => ['CreateSession', `actor.${field}`, max, (text) => ({ actor: actor(text) })],
  ),
  ['RefreshSession', 'tenant_id', LIMITS.tenantId, (tenantId) => ({ refreshToken: 'x', tenantId })],
  ['RefreshSession', 'client_id', LIMITS.clientId, (clientId) => ({ refreshToken: 'x', clientId })],
  ...DEVICE.map(
    ([field, max, device]): Case => [
      'RefreshSession',
      `device.${field}`,
      max,
      (text) => ({ refreshToken: 'x', device: device(text) }),
    ],
  ),
  ['ValidateSession', 'tenant_id', LIMITS.tenantId, (tenantId) => ({ accessToken: 'x', tenantId })],
  ['ValidateSession', 'audience', LIMITS.audience, (audience) => ({ accessToken: 'x', audience })],
  ...DEVICE.map(
    ([field, max, device]): Case => [
      'ValidateSession',
      `device.${field}`,
      max,
      (text) => ({ sessionToken: 'x', device: device(text) }),
    ],
  ),
  [
    'BatchValidateSessions',
    'requests[0].audience',
    LIMITS.audience,
    (audience) => ({ requests: [{ accessToken: 'x', audience }] }),
  ],
  ['GetSession', 'tenant_id', LIMITS.tenantId, (tenantId) => ({ ...HANDLE, tenantId })],
  ['ListSessions', 'tenant_id', LIMITS.tenantId, (tenantId) => ({ userId: 'x', tenantId })],
  ['ListSessions', 'user_id', LIMITS.userId, (userId) => ({ userId })],
  ['ListSessions', 'client_id', LIMITS.clientId, (clientId) => ({ userId: 'x', clientId })],
  ['ListSessions', 'device_id', LIMITS.deviceId, (deviceId) => ({ userId: 'x', deviceId })],
  ['ListSessions', 'page_token', LIMITS.pageToken, (pageToken) => ({ userId: 'x', pageToken })],
  ['UpdateSession', 'tenant_id', LIMITS.tenantId, (tenantId) => ({ ...HANDLE, tenantId })],
  ['UpdateSession', 'device_name', LIMITS.deviceName, (deviceName) => ({ ...HANDLE, deviceName })],
  ['UpdateSession', 'etag', LIMITS.etag, (etag) => ({ ...HANDLE, etag })],
  ['RotateSession', 'tenant_id', LIMITS.tenantId, (tenantId) => ({ ...HANDLE, tenantId })],
  ['RotateSession', 'user_id', LIMITS.userId, (userId) => ({ ...HANDLE, userId })],
  ['RotateSession', 'acr', LIMITS.acr, (acr) => ({ ...HANDLE, acr })],
  ['RotateSession', 'amr[0]', LIMITS.amrItem, (text) => ({ ...HANDLE, amr: [text] })],
  ...DEVICE.map(
    ([field, max, device]): Case => [
      'RotateSession',
      `device.${field}`,
      max,
      (text) => ({ ...HANDLE, device: device(text) }),
    ],
  ),
  ['RevokeSession', 'tenant_id', LIMITS.tenantId, (tenantId) => ({ ...HANDLE, tenantId })],
  ...ACTOR.map(
    ([field, max, actor]): Case => [
      'RevokeSession',
      `actor.${field}`,
      max,
      (text) => ({ ...HANDLE, actor: actor(text) }),
    ],
  ),
  ['RevokeSessions', 'tenant_id', LIMITS.tenantId, (tenantId) => ({ userId: 'x', tenantId })],
  ['RevokeSessions', 'user_id', LIMITS.userId, (userId) => ({ userId })],
  ['RevokeSessions', 'client_id', LIMITS.clientId, (clientId) => ({ clientId })],
  ['RevokeSessions', 'device_id', LIMITS.deviceId, (deviceId) => ({ userId: 'x', deviceId })],
  ...ACTOR.map(
    ([field, max, actor]): Case => [
      'RevokeSessions',
      `actor.${field}`,
      max,
      (text) => ({ userId: 'x', actor: actor(text) }),
    ],
  ),
];
