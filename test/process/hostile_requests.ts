import type { Struct } from '../../src/wire/gen/google/protobuf/Struct.ts';
import type { Value } from '../../src/wire/gen/google/protobuf/Value.ts';
import { Dice } from './dice.ts';
import { HOSTILE, NANOS, NUMBERS, PLAIN, SECONDS } from './hostile_values.ts';
import { encode, RPCS, type Request, type UnaryRpc } from '../grpc/client.ts';

/** What is learnt from answers, so that later requests come to something. */
export interface Loot {
  readonly ids: string[];
  readonly accessTokens: string[];
  readonly refreshTokens: string[];
  readonly sessionTokens: string[];
  readonly opaqueBytes: Buffer[];
  readonly pageTokens: string[];
  readonly etags: string[];
}

/** Few, so that what was just learnt is soon used. */
const KEPT = 40;

/** Requests that nearly make sense. The same seed gives the same ones, as far as the answers are the same. */
export class HostileRequests extends Dice {
  readonly loot: Loot = {
    ids: [],
    accessTokens: [],
    refreshTokens: [],
    sessionTokens: [],
    opaqueBytes: [],
    pageTokens: [],
    etags: [],
  };

  next(): { rpc: UnaryRpc; bytes: Buffer } {
    const rpc = this.chance(0.2) ? 'CreateSession' : this.pick(Object.keys(this.#makers) as UnaryRpc[]);
    const bytes = encode(rpc, this.#makers[rpc]() as never);
    return { rpc, bytes: this.chance(0.05) ? this.#mutated(bytes) : bytes };
  }

  /** Takes from an answer what can be used again. */
  learn(rpc: UnaryRpc, bytes: Buffer): void {
    const keep = <T>(list: T[], value: T | undefined) => {
      if (value === undefined || value === '') return;
      if (list.length < KEPT) list.push(value);
      else list[this.below(KEPT)] = value;
    };
    if (rpc === 'ListSessions') keep(this.loot.pageTokens, RPCS.ListSessions.responseDeserialize(bytes).nextPageToken);
    if (rpc === 'RevokeSession')
      keep(this.loot.opaqueBytes, RPCS.RevokeSession.responseDeserialize(bytes).consistencyToken);
    if (rpc !== 'CreateSession' && rpc !== 'RefreshSession' && rpc !== 'RotateSession') return;
    const { session, tokens } = RPCS[rpc].responseDeserialize(bytes);
    keep(this.loot.ids, session?.sessionId);
    keep(this.loot.etags, session?.etag);
    keep(this.loot.accessTokens, tokens?.accessToken);
    keep(this.loot.refreshTokens, tokens?.refreshToken);
    keep(this.loot.sessionTokens, tokens?.sessionToken);
  }

  readonly #makers: { readonly [R in UnaryRpc]: () => Request<R> } = {
    CreateSession: () => ({
      ...this.#some({
        requestId: () => this.#id(),
        tenantId: () => this.#tenant(),
        clientId: () => this.#text(),
        tokenMode: () => this.#enum(3),
        idleTimeout: () => this.#time(),
        absoluteTimeout: () => this.#time(),
        authTime: () => this.#time(),
        acr: () => this.#text(),
        amr: () => this.#texts(),
        audiences: () => this.#texts(),
        actor: () => this.#actor(),
        data: () => this.#struct(0),
        replaceDeviceSessions: () => this.chance(0.5),
      }),
      ...this.#common(),
    }),
    RefreshSession: () => ({
      refreshToken: this.#credential(this.loot.refreshTokens),
      ...this.#some({ requestId: () => this.#id(), tenantId: () => this.#tenant(), clientId: () => this.#text() }),
      ...this.#some({ device: () => this.#device(), claims: () => this.#struct(0) }),
    }),
    ValidateSession: () => this.#validate(),
    BatchValidateSessions: () => ({ requests: Array.from({ length: this.below(6) }, () => this.#validate()) }),
    GetSession: () => ({
      session: this.#handle(),
      ...this.#some({ tenantId: () => this.#tenant(), view: () => this.#enum(3) }),
    }),
    ListSessions: () => ({
      userId: this.#text(),
      ...this.#some({
        tenantId: () => this.#tenant(),
        clientId: () => this.#text(),
        deviceId: () => this.#text(),
        states: () => Array.from({ length: this.below(4) }, () => this.#enum(4)),
        pageSize: () => this.pick([0, 1, 2, 200, -1, 2 ** 31 - 1]),
        pageToken: () => this.#credential(this.loot.pageTokens),
        view: () => this.#enum(3),
      }),
    }),
    UpdateSession: () => ({
      session: this.#handle(),
      ...this.#some({
        tenantId: () => this.#tenant(),
        claims: () => this.#struct(0),
        mergeClaims: () => this.#struct(0),
        data: () => this.#struct(0),
        mergeData: () => this.#struct(0),
        deviceName: () => this.#text(),
        etag: () => this.#credential(this.loot.etags),
        supersedeAccessTokens: () => this.chance(0.5),
      }),
    }),
    RotateSession: () => ({
      session: this.#handle(),
      ...this.#some({
        requestId: () => this.#id(),
        tenantId: () => this.#tenant(),
        authTime: () => this.#time(),
        acr: () => this.#text(),
        amr: () => this.#texts(),
        data: () => this.#struct(0),
        idleTimeout: () => this.#time(),
        absoluteTimeout: () => this.#time(),
      }),
      ...this.#common(),
    }),
    RevokeSession: () => ({
      session: this.#handle(),
      ...this.#some({
        requestId: () => this.#id(),
        tenantId: () => this.#tenant(),
        reason: () => this.#enum(10),
        actor: () => this.#actor(),
      }),
    }),
    RevokeSessions: () => ({
      ...this.pick([
        { userId: this.#text() },
        { userId: this.#text() },
        { clientId: this.#text() },
        { wholeTenant: this.chance(0.9) },
        {},
      ]),
      ...this.#some({
        requestId: () => this.#id(),
        tenantId: () => this.#tenant(),
        deviceId: () => this.#text(),
        createTimeBefore: () => this.#time(),
        exceptSessionId: () => this.#id(),
        denyCreateUntilTime: () => this.#time(),
        reason: () => this.#enum(10),
      }),
      dryRun: this.chance(0.8),
    }),
    GetJwks: () => ({}),
  };

  #common() {
    return this.#some({ userId: () => this.#text(), device: () => this.#device(), claims: () => this.#struct(0) });
  }

  #validate(): Request<'ValidateSession'> {
    const access = { accessToken: this.#credential(this.loot.accessTokens) };
    return {
      ...(this.chance(0.6) ? access : { sessionToken: this.#credential(this.loot.sessionTokens) }),
      ...this.#some({
        consistency: () => this.#enum(3),
        consistencyToken: () =>
          this.chance(0.7) ? this.pick([...this.loot.opaqueBytes, Buffer.alloc(0)]) : Buffer.from(this.#text()),
        tenantId: () => this.#tenant(),
        audience: () => this.#text(),
        device: () => this.#device(),
        noTouch: () => true,
        includeClaims: () => true,
        includeSession: () => true,
        view: () => this.#enum(3),
        maxStaleness: () => this.#time(),
      }),
    };
  }

  #handle(): NonNullable<Request<'GetSession'>['session']> {
    return this.pick([
      { sessionId: this.#id() },
      { accessToken: this.#credential(this.loot.accessTokens) },
      { refreshToken: this.#credential(this.loot.refreshTokens) },
      { sessionToken: this.#credential(this.loot.sessionTokens) },
      {},
    ]);
  }

  #device() {
    return this.#some({
      deviceId: () => this.#text(),
      name: () => this.#text(),
      userAgent: () => this.#text(),
      ipAddress: () => this.#text(),
    });
  }

  #actor() {
    return this.#some({ userId: () => this.#text(), tenantId: () => this.#text(), reason: () => this.#text() });
  }

  #struct(depth: number): Struct {
    const names = Array.from({ length: this.below(depth === 0 ? 6 : 3) }, () =>
      this.chance(0.97) ? this.pick(PLAIN) : this.pick([...HOSTILE, 'sub', 'exp', 'cnf']),
    );
    return { fields: Object.fromEntries(names.map((name) => [name, this.#value(depth + 1)])) };
  }

  #value(depth: number): Value {
    if (depth < 40 && this.chance(depth > 2 ? 0.6 : 0.3)) {
      if (this.chance(0.5)) return { structValue: this.#struct(depth) };
      return { listValue: { values: Array.from({ length: this.below(3) }, () => this.#value(depth + 1)) } };
    }
    return this.pick<Value>([
      { stringValue: this.#text() },
      { numberValue: this.chance(0.97) ? 1 : this.pick(NUMBERS) },
      { boolValue: true },
      { nullValue: 'NULL_VALUE' },
    ]);
  }

  #credential(known: readonly string[]): string {
    if (known.length === 0 || this.chance(0.15))
      return this.pick([...HOSTILE, ...this.loot.accessTokens.slice(0, 1), ...this.loot.refreshTokens.slice(0, 1)]);
    const token = this.pick(known);
    if (this.chance(0.9)) return token;
    const at = this.below(token.length);
    return token.slice(0, at) + this.pick(['A', '', '.', 'é', token]) + token.slice(at + 1);
  }

  #id(): string {
    return this.chance(0.9) && this.loot.ids.length > 0 ? this.pick(this.loot.ids) : this.pick(HOSTILE);
  }

  #tenant(): string {
    return this.chance(0.95) ? '' : this.#text();
  }

  #text(): string {
    if (this.chance(0.97)) return this.pick(PLAIN);
    return this.chance(0.95) ? this.pick(HOSTILE) : 'x'.repeat(70_000);
  }

  #texts(): string[] {
    return Array.from({ length: this.below(this.chance(0.9) ? 4 : 20) }, () => this.#text());
  }

  #enum(count: number): never {
    return (this.chance(0.97) ? this.below(count) : this.pick([99, -1, 2 ** 31 - 1])) as never;
  }

  #time() {
    if (this.chance(0.9)) return { seconds: this.pick([600, 86_400, 1_700_000_000]), nanos: 0 };
    return { seconds: this.pick(SECONDS), nanos: this.pick(NANOS) };
  }

  /** Each member with a probability of a third. */
  #some<T extends object>(members: { readonly [K in keyof T]: () => T[K] }): Partial<T> {
    const chosen = Object.entries(members).filter(() => this.chance(0.33)) as [string, () => unknown][];
    return Object.fromEntries(chosen.map(([name, make]) => [name, make()])) as Partial<T>;
  }

  #mutated(bytes: Buffer): Buffer {
    const copy = Buffer.from(bytes);
    const at = this.below(copy.length);
    if (this.chance(0.3)) return copy.subarray(0, at);
    if (this.chance(0.3)) return Buffer.concat([copy, copy.subarray(at)]);
    for (let flips = this.below(8); flips >= 0 && copy.length > 0; flips -= 1)
      copy[this.below(copy.length)] = this.below(256);
    return copy;
  }
}
