import { isIPv4 } from 'node:net';
import { type ChannelCredentials, type ChannelOptions, Client, credentials, Metadata } from '@grpc/grpc-js';
import type { ConnectionOptions } from './client_types.ts';

/** What can stand in a header (RFC 6750, section 2.1: `b64token`). */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

const CHANNEL_OPTIONS: ChannelOptions = {
  // Closing a client closes its connections.
  'grpc.use_local_subchannel_pool': 1,
  // A query of the name server that is under way keeps a process alive.
  'grpc.service_config_disable_resolution': 1,
  // Nothing is sent to one that is down but for its attempts to connect: how soon it is taken again is up to these.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
  // A peer that has vanished without a word is noticed within the two together.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.keepalive_permit_without_calls': 1,
};

/** Makes connections to the service's targets. */
export class Connector {
  /** At least one. */
  readonly targets: readonly string[];
  readonly #credentials: ChannelCredentials;
  readonly #options: ChannelOptions;
  readonly #serviceToken: string | undefined;

  /** @throws {TypeError} where the options are no way to reach the service; says nothing of the token */
  constructor({ target, tls, serviceToken }: ConnectionOptions) {
    this.targets = typeof target === 'string' ? [target] : [...target];
    if (this.targets.length === 0 || this.targets.includes(''))
      throw new TypeError('target: name at least one host:port');
    if (serviceToken !== undefined) checkServiceToken(serviceToken, tls !== undefined, this.targets);
    this.#credentials = tls === undefined ? credentials.createInsecure() : tlsCredentials(tls);
    // Whoever wants no encryption does not want a proxy to read along.
    this.#options = { ...CHANNEL_OPTIONS, ...(tls === undefined && { 'grpc.enable_http_proxy': 0 }) };
    this.#serviceToken = serviceToken;
  }

  /** A channel of its own to one of the targets, which connects with its first call. */
  open(target: string, options: ChannelOptions = {}): Client {
    return new Client(target, this.#credentials, { ...this.#options, ...options });
  }

  /** What every call carries. */
  metadata(): Metadata {
    const metadata = new Metadata();
    if (this.#serviceToken !== undefined) metadata.set('authorization', `Bearer ${this.#serviceToken}`);
    return metadata;
  }
}

/** Closes a client that may have been made just now. */
export function closeClient(client: Client): void {
  // grpc-js hands itself the address on the next turn, closed or not, and would leave a connection to it open.
  setImmediate(() => client.close());
}

function tlsCredentials({
  rootCerts,
  clientCert,
  clientKey,
}: NonNullable<ConnectionOptions['tls']>): ChannelCredentials {
  if ((clientCert === undefined) !== (clientKey === undefined)) {
    throw new TypeError('tls: clientCert and clientKey come together');
  }
  return credentials.createSsl(rootCerts, clientKey ?? null, clientCert ?? null);
}

function checkServiceToken(token: string, isEncrypted: boolean, targets: readonly string[]): void {
  // The library would refuse it with a message that holds it.
  if (!TOKEN.test(token)) throw new TypeError('serviceToken: holds a character that no bearer token has');
  const exposed = isEncrypted ? undefined : targets.find((target) => !isLoopback(target));
  if (exposed !== undefined) throw new TypeError(`serviceToken: not without TLS to ${exposed}, which is not loopback`);
}

/** Whether all that a target names is this machine, as far as can be told from it. */
function isLoopback(target: string): boolean {
  if (target.startsWith('unix:')) return true;
  const addresses = target.replace(/^(?:dns:(?:\/\/[^/]*\/)?|ipv4:|ipv6:)/, '').split(',');
  return addresses.every((address) => {
    const host = address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
    return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
  });
}
