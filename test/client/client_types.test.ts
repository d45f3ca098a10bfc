import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type {
  ActiveValidation,
  Actor,
  BegunSession,
  CreateSessionRequest,
  Device,
  DeviceChange,
  GetSessionRequest,
  ListSessionsRequest,
  OpaqueTokens,
  PairTokens,
  RefreshedSession,
  RefreshSessionRequest,
  RevokedSession,
  RevokedSessions,
  RevokeSessionRequest,
  RevokeSessionsRequest,
  RotateSessionRequest,
  Session,
  SessionAuthorityClient,
  SessionErrorCode,
  SessionHandle,
  SessionPage,
  UpdatedSession,
  UpdateSessionRequest,
  ValidateSessionRequest,
} from '../../src/client/index.ts';
import type { Actor__Output } from '../../src/wire/gen/sessionauthority/v1/Actor.ts';
import type { Device__Output } from '../../src/wire/gen/sessionauthority/v1/Device.ts';
import type { DeviceChange__Output } from '../../src/wire/gen/sessionauthority/v1/DeviceChange.ts';
import type { ErrorReason__Output } from '../../src/wire/gen/sessionauthority/v1/ErrorReason.ts';
import type { Session__Output } from '../../src/wire/gen/sessionauthority/v1/Session.ts';
import type { SessionHandle__Output } from '../../src/wire/gen/sessionauthority/v1/SessionHandle.ts';
import type { Tokens__Output } from '../../src/wire/gen/sessionauthority/v1/Tokens.ts';
import type { Request, Response, UnaryRpc } from '../grpc/client.ts';

/** Where a name of the contract is another here, for its unit. */
interface Renamed {
  idleTimeout: 'idleTimeoutMs';
  absoluteTimeout: 'absoluteTimeoutMs';
  maxStaleness: 'maxStalenessMs';
  staleness: 'stalenessMs';
}

type MemberOf<T> = T extends unknown ? keyof T : never;
/** Discriminators of oneofs are the loader's own. */
type Fields<T> = Exclude<MemberOf<T>, 'handle' | 'credential' | 'scope' | `_${string}`>;
type Named<K> = K extends keyof Renamed ? Renamed[K] : K;
/** True, or what the one side has and the other has not. */
type Same<Wire, Ours> = [
  Exclude<Named<Fields<Wire>>, MemberOf<Ours>>,
  Exclude<MemberOf<Ours>, Named<Fields<Wire>>>,
] extends [never, never]
  ? true
  : { missing: Exclude<Named<Fields<Wire>>, MemberOf<Ours>>; unknown: Exclude<MemberOf<Ours>, Named<Fields<Wire>>> };

/** Does not compile where a request of the contract has a field that ours has not, or the other way round. */
const REQUESTS: { readonly [R in UnaryRpc]: Same<Request<R>, OurRequests[R]> } = {
  CreateSession: true,
  RefreshSession: true,
  ValidateSession: true,
  BatchValidateSessions: true,
  GetSession: true,
  ListSessions: true,
  UpdateSession: true,
  RotateSession: true,
  RevokeSession: true,
  RevokeSessions: true,
  GetJwks: true,
};

interface OurRequests {
  CreateSession: CreateSessionRequest;
  RefreshSession: RefreshSessionRequest;
  ValidateSession: ValidateSessionRequest;
  BatchValidateSessions: { requests: ValidateSessionRequest[] };
  GetSession: GetSessionRequest;
  ListSessions: ListSessionsRequest;
  UpdateSession: UpdateSessionRequest;
  RotateSession: RotateSessionRequest;
  RevokeSession: RevokeSessionRequest;
  RevokeSessions: RevokeSessionsRequest;
  // Without a field.
  GetJwks: object;
}

/** The same for answers, and what they are made of. */
const ANSWERS: readonly [
  Same<Response<'CreateSession'>, BegunSession>,
  Same<Response<'RotateSession'>, BegunSession>,
  Same<Response<'RefreshSession'>, RefreshedSession>,
  Same<Response<'ValidateSession'>, ActiveValidation>,
  Same<Response<'ListSessions'>, SessionPage>,
  Same<Response<'UpdateSession'>, UpdatedSession>,
  Same<Response<'RevokeSession'>, RevokedSession>,
  Same<Response<'RevokeSessions'>, RevokedSessions>,
  Same<Response<'BatchValidateSessions'>, { responses: never }>,
  Same<Response<'GetSession'>, { session: never }>,
  Same<Response<'GetJwks'>, { jwksJson: never }>,
  Same<Session__Output, Session>,
  Same<Device__Output, Device>,
  Same<DeviceChange__Output, DeviceChange>,
  Same<Actor__Output, Actor>,
  Same<SessionHandle__Output, SessionHandle>,
  Same<Tokens__Output, Omit<PairTokens, 'kind'> | Omit<OpaqueTokens, 'kind'>>,
] = [true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true];

/** The same for the reasons of errors. */
type Reason<R> = R extends `ERROR_REASON_${infer Name}` ? Exclude<Name, 'UNSPECIFIED'> : never;
const REASONS: Same<Record<Reason<ErrorReason__Output>, 1>, Record<SessionErrorCode, 1>> = true;

/** Never called: what must compile, and what must not. */
export async function useTypes(client: SessionAuthorityClient, mode: 'pair' | 'opaque'): Promise<void> {
  const pair = await client.createSession({ userId: 'x' });
  pair.tokens.accessToken satisfies string;
  pair.session.createTime satisfies Date;
  const opaque = await client.createSession({ tokenMode: 'opaque' });
  opaque.tokens.sessionToken satisfies string;
  // @ts-expect-error: an opaque session has none
  void opaque.tokens.accessToken;
  const either = await client.createSession({ tokenMode: mode });
  // @ts-expect-error: may be opaque
  void either.tokens.accessToken;
  if (either.tokens.kind === 'pair') either.tokens.accessToken satisfies string;
  const validation = await client.validateSession({ accessToken: 'x' });
  if (validation.active) validation.expireTime satisfies Date;
  // @ts-expect-error: an invalid credential has no times
  void validation.expireTime.getTime();

  // @ts-expect-error: nothing is asked about
  await client.validateSession({});
  // @ts-expect-error: two credentials
  await client.validateSession({ accessToken: 'x', sessionToken: 'x' });
  // @ts-expect-error: no session is named
  await client.getSession({ session: {} });
  // @ts-expect-error: two handles
  await client.revokeSession({ session: { sessionId: 'x', accessToken: 'x' } });
  // @ts-expect-error: no scope
  await client.revokeSessions({});
  // @ts-expect-error: two scopes
  await client.revokeSessions({ userId: 'x', clientId: 'x' });
  // @ts-expect-error: refused by the service
  await client.revokeSessions({ wholeTenant: false });
  // @ts-expect-error: the service alone gives this reason
  await client.revokeSession({ session: { sessionId: 'x' }, reason: 'rotated' });
  // @ts-expect-error: a name of the wire
  await client.createSession({ tokenMode: 'TOKEN_MODE_PAIR' });
  // @ts-expect-error: a time is a Date
  await client.createSession({ authTime: 1 });
  // @ts-expect-error: misspelt
  await client.createSession({ userID: 'x' });
  // @ts-expect-error: the pages are its own
  client.listAllSessions({ userId: 'x', pageToken: 'x' });
  // @ts-expect-error: answers are not to be changed
  pair.session.userId = 'y';
}

describe("the client's types", () => {
  it('have every field of the contract', () => {
    assert([...Object.values(REQUESTS), ...ANSWERS, REASONS].every(Boolean));
  });

  it('name no type of the loader, of gRPC or of the wire', () => {
    const seen = new Set<string>();
    const visit = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      const text = readFileSync(file, 'utf8').replace(/\/\*[^]*?\*\//g, '');
      for (const [, specifier = ''] of text.matchAll(/(?:from|import\()\s*['"]([^'"]+)['"]/g)) {
        assert(specifier.startsWith('.') || specifier.startsWith('node:'), `${file} names ${specifier}`);
        if (specifier.startsWith('.')) visit(join(dirname(file), specifier.replace(/\.[jt]s$/, '.d.ts')));
      }
      assert(!/\bgoogle\b|@grpc|proto-loader|__Output/.test(text), file);
    };
    visit(declarationsOf('index'));
    assert(seen.size > 5);
    assert(![...seen].some((file) => file.includes('/wire/')));
  });
});

function declarationsOf(name: string): string {
  const file = fileURLToPath(new URL(`../../src/client/${name}.d.ts`, import.meta.url));
  assert(existsSync(file));
  return file;
}
