import { type Callers, openCallers, openToAnyone } from './access/open.ts';
import { CallerRates } from './access/rates.ts';
import { openTls } from './access/tls.ts';
import type { Config } from './config.ts';
import type { Address } from './config_value.ts';
import { SessionAuthority } from './domain/authority.ts';
import { ConsistencyTokens } from './domain/consistency_token.ts';
import { ConsistencyWaits } from './domain/consistency_waits.ts';
import { CLOCK_SKEW_MS, MAX_ACCESS_TOKEN_TTL_MS } from './domain/limits.ts';
import { PageTokens } from './domain/page_token.ts';
import type { AuthorityParts } from './domain/parts.ts';
import type { ClockOffset } from './domain/store_rules.ts';
import { TokenIssuer } from './domain/tokens.ts';
import { RevocationWatch } from './domain/watch.ts';
import { WatchCursors } from './domain/watch_cursor.ts';
import { Identities } from './grpc/identity.ts';
import { startGrpcListener } from './grpc/server.ts';
import { encodeWatchFrame, type ServiceParts } from './grpc/session_service.ts';
import { startHttpListener } from './http/server.ts';
import { RevocationFeed } from './revocation/feed.ts';
import { openStore, type Store } from './store/open.ts';
import { Audit } from './telemetry/audit.ts';
import type { Log } from './telemetry/log.ts';
import type { KeyRing } from './token/key_ring.ts';
import { ensureMasterKeyFile, generateMasterKey, readMasterKeyFile } from './token/master_key.ts';
import { createAccessTokenVerifier } from './token/verify.ts';
import { openKeyRing } from './upkeep/keys.ts';
import { startUpkeep } from './upkeep/upkeep.ts';

/** Whole tokens whose signature need not be verified again; about 2 KiB each. */
const VERIFIED_TOKENS = 20_000;

/** A running service. */
export interface SessionServer {
  /** The ports that were bound. */
  readonly grpcPort: number;
  readonly httpPort: number;
  /** Opens the files that it writes again, after they were renamed. */
  reopenFiles(): void;
  /** Stops taking calls, lets those in progress end within SHUTDOWN_TIMEOUT, and closes the store. */
  stop(): Promise<void>;
}

/**
 * Opens the store and the keys, and serves. Throws where something is not as the configuration
 * says; nothing is left open then.
 * @param clock what tests move the store's clock by
 */
export async function startServer(config: Config, log: Log, clock: ClockOffset = { ms: 0 }): Promise<SessionServer> {
  const now = () => Date.now() + clock.ms;
  const tls = config.tls === null ? null : openTls(config.tls, log);
  const undo: (() => Promise<void> | void)[] = [() => tls?.close()];
  try {
    const store = await openStore(config.store, config, clock);
    undo.push(() => store.close());
    const masterKey = masterKeyOf(config);
    const audit = Audit.open(config.auditFile, masterKey, log);
    undo.push(() => audit.close());
    const callers = callersOf(config, log);
    undo.push(() => callers.close());
    const keys = await openKeyRing(store, masterKey, config.signingAlgorithm, now);
    const parts = authorityParts(config, store, keys, masterKey, audit, now);
    undo.push(startUpkeep({ store, feed: parts.feed, keys, now, log }));
    const jwksJson = () => keys.jwksJson(now());
    let serving = false;
    const isReady = async () => serving && (await answers(store));
    const { connections } = config;
    const http = await listening('HTTP_ADDRESS', config.httpAddress, (address) =>
      startHttpListener({ address, tls, connections }, { issuer: config.tokenIssuer, jwksJson, isReady }),
    );
    undo.push(() => http.stop());
    const watch = new RevocationWatch({
      feed: parts.feed,
      cursors: new WatchCursors(masterKey, store),
      maxStreams: config.maxWatchStreams,
      maxStreamsPerCaller: config.callers.watchStreams,
      encode: encodeWatchFrame,
      now,
    });
    undo.push(() => watch.close());
    callers.onChange(() => watch.endStreamsOf((caller) => !callers.has(caller)));
    const identities = new Identities((credential) => callers.find(credential));
    const service: ServiceParts = {
      authority: new SessionAuthority(parts),
      watch,
      jwksJson,
      identities,
      rates: new CallerRates(config.callers),
      audit: (record) => audit.record(record),
      onFault: (rpc, error) => log.error('call failed', { rpc, error }),
      onStreamEnded: (subscriberId, reason) => log.info('watch stream ended', { subscriberId, reason: reason.code }),
    };
    const grpc = await listening('GRPC_ADDRESS', config.grpcAddress, (address) =>
      startGrpcListener({ address, tls, connections }, service),
    );
    undo.push(() => grpc.stop(config.shutdownTimeoutMs));
    serving = true;
    const reopenFiles = () => audit.reopen();
    const stop = async () => {
      serving = false;
      // The last to come goes first: probes are answered until the last call has ended.
      for (const step of undo.splice(0).reverse()) await step();
    };
    return { grpcPort: grpc.port, httpPort: http.port, reopenFiles, stop };
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  }
}

function masterKeyOf({ masterKey, store }: Config): Buffer {
  switch (masterKey.kind) {
    case 'value':
      return masterKey.bytes;
    case 'file':
      return readMasterKeyFile(masterKey.path);
    case 'beside_database':
      return store.kind === 'sqlite' ? ensureMasterKeyFile(`${store.path}.master-key`) : generateMasterKey();
    case 'ephemeral':
      return generateMasterKey();
  }
}

function callersOf({ callers, tls }: Config, log: Log): Callers {
  if (callers.file !== '') return openCallers(callers.file, tls !== null && tls.clientCa !== null, log);
  return openToAnyone();
}

function authorityParts(
  config: Config,
  store: Store,
  keys: KeyRing,
  masterKey: Buffer,
  audit: Audit,
  now: () => number,
): AuthorityParts {
  const { tokenIssuer: issuer, rules } = config;
  return {
    store,
    feed: new RevocationFeed(store, now),
    tokens: new TokenIssuer(keys, issuer, rules.accessTokenTtlMs),
    verifier: createAccessTokenVerifier({
      issuer,
      key: (kid) => keys.verificationKey(kid, now()),
      now,
      maxLifetimeMs: MAX_ACCESS_TOKEN_TTL_MS,
      clockSkewMs: CLOCK_SKEW_MS,
      cacheSize: VERIFIED_TOKENS,
    }),
    consistencyTokens: new ConsistencyTokens(masterKey, store.storeId),
    consistencyWaits: new ConsistencyWaits(),
    pageTokens: new PageTokens(masterKey),
    rules: {
      audience: config.tokenAudience,
      accessTokenTtlMs: rules.accessTokenTtlMs,
      touchIntervalMs: rules.touchIntervalMs,
      idleTimeoutMs: config.idleTimeoutMs,
      absoluteTimeoutMs: config.absoluteTimeoutMs,
      maxIdleTimeoutMs: config.maxIdleTimeoutMs,
      maxAbsoluteTimeoutMs: rules.maxAbsoluteTimeoutMs,
    },
    audit: (record) => audit.record(record),
    now,
  };
}

async function listening<T>(variable: string, address: Address, start: (address: Address) => Promise<T>): Promise<T> {
  try {
    return await start(address);
  } catch (cause) {
    const text = `${variable}: can not listen on ${addressText(address)}; is another program using it?`;
    throw new Error(text, { cause });
  }
}

async function answers(store: Store): Promise<boolean> {
  try {
    await store.keys();
    return true;
  } catch {
    return false;
  }
}

function addressText({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
