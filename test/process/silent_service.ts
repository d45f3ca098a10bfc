import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ChannelOptions, type InterceptorOptions, InterceptingCall, type NextCall } from '@grpc/grpc-js';
import { generateMasterKey } from '../../src/token/master_key.ts';
import { type Request, type Response, RpcError, type SessionClient, type UnaryRpc } from '../grpc/client.ts';
import { struct } from '../grpc/expect.ts';
import { type Env, temporaryFolder, TestProcess, TestService } from '../harness.ts';
import { Canaries } from './canaries.ts';

/** What makes drivers and libraries print all that they send and receive. */
const CHATTY: Env = { DEBUG: '*', GRPC_TRACE: 'all', GRPC_VERBOSITY: 'DEBUG' };

/** Headers that a client sends with each call. */
export function authorization(...values: readonly string[]): ChannelOptions {
  const interceptor = (options: InterceptorOptions, next: NextCall) =>
    new InterceptingCall(next(options), {
      start: (metadata, listener, start) => {
        for (const value of values) metadata.add('authorization', value);
        start(metadata, listener);
      },
    });
  return { interceptors: [interceptor] };
}

/** The service as a process that logs all that it can, and the search of all that it says for what it must not say. */
export class SilentService {
  readonly canaries = new Canaries();
  /** Of the audit, where these may stand; they may not be in the log. */
  readonly audited = new Canaries();
  readonly folder = temporaryFolder();
  readonly auditPath = join(this.folder.path, 'audit.log');
  readonly masterKey: string;
  service!: TestService;

  constructor() {
    const masterKey = generateMasterKey();
    this.canaries.learn('master key', masterKey);
    this.masterKey = this.canaries.learn('master key text', masterKey.toString('base64'));
  }

  /** Starts, or starts again after `end`. @param limits as of TestProcess */
  async start(env: Env, limits = ''): Promise<SessionClient> {
    this.service = await new TestService(this.#env(env), [], limits).serving();
    return this.service.client;
  }

  /** Ends at once with 1 or 2, and not silently. */
  async refusesToStart(env: Env): Promise<string> {
    const process = new TestProcess(['serve'], { ...this.#env(env), GRPC_ADDRESS: '127.0.0.1:0', ...env });
    const { code } = await process.exit;
    const said = process.stdout + process.stderr;
    assert(code === 1 || code === 2, said);
    assert.notEqual(process.stderr.trim(), '');
    assert.doesNotMatch(process.stderr, /^ {4}at /m);
    this.assertSilent(said, 'the refusal to start');
    return process.stderr;
  }

  /** What was answered; where it was refused, the refusal, which says nothing of all this. */
  async call<R extends UnaryRpc>(
    rpc: R,
    request: Request<R>,
    client = this.service.client,
  ): Promise<Response<R> | RpcError> {
    try {
      return await client.call(rpc, request);
    } catch (error) {
      assert(error instanceof RpcError);
      this.assertSilentRefusal(rpc, error);
      return error;
    }
  }

  async raw(rpc: UnaryRpc, bytes: Buffer, client = this.service.client): Promise<void> {
    try {
      await client.raw(rpc, bytes);
    } catch (error) {
      assert(error instanceof RpcError);
      this.assertSilentRefusal(rpc, error);
    }
  }

  assertSilentRefusal(rpc: string, error: RpcError): void {
    const told = `${error.message}\n${error.text}\n${error.trailers}`;
    this.assertSilent(told, `the refusal of ${rpc}`);
    assert.deepEqual(this.audited.seenIn(told), [], told);
  }

  assertSilent(said: string, what: string): void {
    assert.deepEqual(this.canaries.seenIn(said), [], `${what}: ${said.slice(0, 4000)}`);
  }

  /** Ends the process, and searches all that it has said. Returns its log. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<string> {
    await this.service.end(signal);
    const log = this.service.stdout + this.service.stderr;
    this.assertSilent(log, 'the log');
    assert.deepEqual(this.audited.seenIn(log), [], log.slice(0, 4000));
    this.assertSilent(this.audit(), 'the audit');
    return log;
  }

  audit(): string {
    return readFileSync(this.auditPath, 'utf8');
  }

  #env(env: Env): Env {
    return { LOG_LEVEL: 'trace', ...CHATTY, MASTER_KEY: this.masterKey, AUDIT_FILE: this.auditPath, ...env };
  }
}

/** Sessions, tokens and fields of which nothing may be seen. */
export interface Hidden {
  readonly userId: string;
  readonly sessionId: string;
  readonly opaqueId: string;
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly sessionToken: string;
  readonly create: Request<'CreateSession'>;
  readonly device: NonNullable<Request<'CreateSession'>['device']>;
}

/** A request with a canary in all that a session consists of. */
export function createRequest({ canaries, audited }: SilentService): Request<'CreateSession'> {
  const content = (name: string) =>
    struct({ [canaries.make(`${name} name`)]: canaries.make(`${name} value`), list: [{ x: canaries.make(name) }] });
  return {
    tenantId: audited.make('tenant'),
    clientId: audited.make('client'),
    userId: canaries.make('user'),
    claims: content('claims'),
    data: content('data'),
    device: {
      deviceId: canaries.make('device'),
      name: canaries.make('device name'),
      userAgent: canaries.make('user agent'),
      ipAddress: '198.51.100.217',
    },
    acr: canaries.make('acr'),
    amr: [canaries.make('amr')],
    audiences: [canaries.make('audience')],
  };
}

/** Opens a session of each kind, and learns what it is made of. */
export async function openHidden(service: SilentService, client = service.service.client): Promise<Hidden> {
  const { canaries } = service;
  const create = createRequest(service);
  const pair = await client.call('CreateSession', create);
  const opaque = await client.call('CreateSession', { ...create, tokenMode: 'TOKEN_MODE_OPAQUE' });
  const [sessionId, opaqueId] = [pair, opaque].map(({ session }) =>
    canaries.learnWhole('session id', session?.sessionId ?? ''),
  ) as [string, string];
  canaries.learnWhole('device address', '198.51.100.217');
  return {
    userId: create.userId ?? '',
    sessionId,
    opaqueId,
    accessToken: canaries.learnToken('access token', pair.tokens?.accessToken ?? ''),
    refreshToken: canaries.learnToken('refresh token', pair.tokens?.refreshToken ?? ''),
    sessionToken: canaries.learnToken('session token', opaque.tokens?.sessionToken ?? ''),
    create,
    device: create.device ?? {},
  };
}

/** Calls each RPC that needs the store; returns how many were refused. */
export async function useStore(service: SilentService, hidden: Hidden): Promise<number> {
  const { canaries, audited } = service;
  const { create, sessionId, opaqueId, accessToken, refreshToken, sessionToken, userId, device } = hidden;
  const { tenantId = '', clientId = '', claims, data } = create;
  const request = (): Partial<Request<'CreateSession'>> => ({ requestId: audited.learnWhole('request', newId()) });
  const strong = { tenantId, consistency: 'CONSISTENCY_STRONG' } as const;
  const actor = { userId: canaries.make('actor'), tenantId, reason: audited.make('actor reason') };
  const handle = { tenantId, session: { sessionId } };
  const answers = await Promise.all([
    service.call('CreateSession', { ...create, ...request() }),
    service.call('CreateSession', { ...create, userId: canaries.make('user') }),
    service.call('RefreshSession', { ...request(), tenantId, clientId, refreshToken, device }),
    service.call('RefreshSession', { tenantId, refreshToken, claims: claims ?? null }),
    service.call('ValidateSession', { ...strong, accessToken, device }),
    service.call('ValidateSession', { ...strong, sessionToken, includeSession: true, view: 'SESSION_VIEW_FULL' }),
    service.call('BatchValidateSessions', {
      requests: [
        { ...strong, accessToken },
        { ...strong, sessionToken },
      ],
    }),
    service.call('GetSession', handle),
    service.call('GetSession', { tenantId, session: { accessToken }, view: 'SESSION_VIEW_FULL' }),
    service.call('ListSessions', { tenantId, userId, deviceId: device.deviceId ?? '' }),
    service.call('UpdateSession', { ...handle, mergeData: data ?? null, deviceName: canaries.make('device name') }),
    service.call('UpdateSession', { tenantId, session: { sessionToken }, claims: claims ?? null }),
    service.call('RotateSession', { ...request(), ...handle, userId: canaries.make('user'), data: data ?? null }),
    service.call('RevokeSession', { ...request(), tenantId, session: { sessionId: opaqueId }, actor }),
    service.call('RevokeSessions', { ...request(), tenantId, userId, deviceId: canaries.make('device'), actor }),
  ]);
  for (const answer of answers) learnTokens(service, answer);
  return answers.filter((answer) => answer instanceof RpcError).length;
}

/** New tokens are as secret as those that were known. */
export function learnTokens({ canaries }: SilentService, answer: object): void {
  if (!('tokens' in answer) || answer.tokens === null) return;
  for (const [name, token] of Object.entries(answer.tokens as Record<string, unknown>)) {
    if (name.endsWith('Token') && typeof token === 'string' && token !== '') canaries.learnToken(name, token);
  }
}

let ids = 0;

function newId(): string {
  return `0190a5c0-0000-7000-8000-${(ids += 1).toString(16).padStart(12, '0')}`;
}
