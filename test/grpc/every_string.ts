import type { Request, UnaryRpc } from './client.ts';
import { struct } from './expect.ts';

/** A text for a field of that name. */
export type Texts = (name: string) => string;

/** Every request with a text in every string; `claims` and `data` are given. */
export function everyString(text: Texts, claims: Record<string, unknown>): { readonly [R in UnaryRpc]: Request<R> } {
  const device = { deviceId: text('device'), name: text('name'), userAgent: text('agent'), ipAddress: text('ip') };
  const actor = { userId: text('actor'), tenantId: text('actor-tenant'), reason: text('actor-reason') };
  const tenantId = text('tenant');
  const session = { accessToken: text('access') };
  const json = struct(claims);
  const validate = {
    accessToken: text('access'),
    tenantId,
    audience: text('audience'),
    device,
    consistencyToken: Buffer.from(text('token')),
  };
  return {
    CreateSession: {
      requestId: text('request'),
      tenantId,
      userId: text('user'),
      clientId: text('client'),
      claims: json,
      data: json,
      device,
      acr: text('acr'),
      amr: [text('amr')],
      actor,
      audiences: [text('audience')],
    },
    RefreshSession: {
      requestId: text('request'),
      refreshToken: text('refresh'),
      device,
      claims: json,
      tenantId,
      clientId: text('client'),
    },
    ValidateSession: validate,
    BatchValidateSessions: { requests: [validate, { ...validate, accessToken: '', sessionToken: text('session') }] },
    GetSession: { tenantId, session },
    ListSessions: {
      tenantId,
      userId: text('user'),
      clientId: text('client'),
      deviceId: text('device'),
      pageToken: text('page'),
    },
    UpdateSession: { tenantId, session, claims: json, mergeData: json, deviceName: text('name'), etag: text('etag') },
    RotateSession: {
      requestId: text('request'),
      tenantId,
      session,
      userId: text('user'),
      acr: text('acr'),
      amr: [text('amr')],
      claims: json,
      data: json,
      device,
    },
    RevokeSession: { requestId: text('request'), tenantId, session: { sessionId: text('session') }, actor },
    RevokeSessions: {
      requestId: text('request'),
      tenantId,
      userId: text('user'),
      deviceId: text('device'),
      exceptSessionId: text('except'),
      actor,
    },
    GetJwks: {},
  };
}
