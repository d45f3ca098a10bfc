import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { get as getPlain, type IncomingMessage } from 'node:http';
import { get as getSecure } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { credentials } from '@grpc/grpc-js';
import { SessionClient } from '../grpc/client.ts';
import { open } from '../grpc/expect.ts';
import { type Env, startService, type TestService } from '../harness.ts';
import type { Certificate } from '../servers/certificates.ts';
import { until } from '../servers/process.ts';

const PROBE = new URL('memory_probe.js', import.meta.url).href;

/** What may stay behind an attack: caches that fill, code that is compiled. */
const MAX_GROWTH_BYTES = 24 * 2 ** 20;

/** Of the well-behaved client: one that stays, and one for each request of HTTP. */
const OWN_SOCKETS = 2;

interface Holding {
  /** Of the heap, and of buffers beside it, after a collection. */
  readonly bytes: number;
  /** Connections, those to the store too. */
  readonly sockets: number;
}

/** The service as a process, with a client that calls it all the time and must never notice anything. */
export class Attacked {
  readonly #service: TestService;
  readonly #client: SessionClient;
  /** Of what signed its certificate; null = plain text. */
  readonly #authority: Buffer | null;
  readonly #failures: string[] = [];
  #before: Holding = { bytes: 0, sockets: 0 };
  #asked = 0;
  #calls = 0;
  #isStopping = false;
  #calling: Promise<void> = Promise.resolve();

  private constructor(service: TestService, authority: Buffer | null) {
    this.#service = service;
    this.#authority = authority;
    this.#client = new SessionClient(
      service.grpcPort,
      authority === null ? {} : { 'grpc.ssl_target_name_override': 'localhost' },
      '',
      authority === null ? credentials.createInsecure() : credentials.createSsl(authority),
    );
  }

  /** On a memory store, with TLS where there is a certificate. */
  static async start(certificate: Certificate | null = null): Promise<Attacked> {
    const tls: Env = certificate === null ? {} : { TLS_CERT_FILE: certificate.cert, TLS_KEY_FILE: certificate.key };
    const service = await startService({ STORE_URL: 'memory:', ...tls }, ['--expose-gc', '--import', PROBE]);
    const attacked = new Attacked(service, certificate && readFileSync(certificate.authority));
    await attacked.#begin();
    return attacked;
  }

  get port(): number {
    return this.#service.grpcPort;
  }

  get httpPort(): number {
    return this.#service.httpPort;
  }

  /** Waits until memory and connections are what they were before, but for so many, and all calls meanwhile were answered. */
  async assertUnharmed({ sockets = 0 } = {}): Promise<void> {
    const callsSoFar = this.#calls;
    await until('the client is answered', async () => this.#calls > callsSoFar || this.#failures.length > 0);
    let held = this.#before;
    const isBack = async () => {
      held = await this.#held();
      return held.sockets <= OWN_SOCKETS + sockets && held.bytes <= this.#before.bytes + MAX_GROWTH_BYTES;
    };
    try {
      await until('the service holds no more than before', isBack);
    } catch (error) {
      throw new Error(`held ${JSON.stringify(this.#before)}, now ${JSON.stringify(held)}`, { cause: error });
    }
    assert.deepEqual(this.#failures, []);
    assert.equal(this.#service.stderr, '');
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#calling;
    this.#client.close();
    assert.deepEqual(await this.#service.end(), { code: 0, signal: null });
  }

  async #begin(): Promise<void> {
    const { tokens } = await open(this.#client);
    const call = async () => {
      const { active } = await this.#client.call('ValidateSession', { accessToken: tokens.accessToken });
      assert.equal(active, true);
      assert.equal(await this.#health(), 200);
    };
    for (let warm = 0; warm < 200; warm += 1) await call();
    this.#before = await this.#held();
    this.#calling = this.#callOn(call);
  }

  async #callOn(call: () => Promise<void>): Promise<void> {
    while (!this.#isStopping) {
      try {
        await call();
        this.#calls += 1;
      } catch (error) {
        this.#failures.push(String(error));
      }
      await sleep(20);
    }
  }

  #health(): Promise<number | undefined> {
    const to = { host: '127.0.0.1', port: this.httpPort, path: '/healthz', agent: false, timeout: 30_000 };
    const request =
      this.#authority === null ? getPlain(to) : getSecure({ ...to, ca: this.#authority, servername: 'localhost' });
    return new Promise((resolve, reject) => {
      request.once('response', (response: IncomingMessage) => resolve(response.resume().statusCode));
      request.once('timeout', () => request.destroy(new Error('no answer within 30 s')));
      request.once('error', reject);
    });
  }

  async #held(): Promise<Holding> {
    this.#asked += 1;
    this.#service.signal('SIGUSR2');
    const { bytes, sockets } = await this.#service.line(`memory ${this.#asked}`);
    return { bytes: Number(bytes), sockets: Number(sockets) };
  }
}
