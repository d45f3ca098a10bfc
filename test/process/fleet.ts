import type { SessionClient } from '../grpc/client.ts';
import { type Env, startService, type TestService } from '../harness.ts';

/** Instances of the service on one store, some of which a test ends. */
export class Fleet {
  readonly #env: Env;
  readonly #ended: TestService[] = [];
  #services: readonly TestService[] = [];

  private constructor(env: Env) {
    this.#env = env;
  }

  static async start(env: Env, instances: number): Promise<Fleet> {
    const fleet = new Fleet(env);
    await Promise.all(Array.from({ length: instances }, () => fleet.add()));
    return fleet;
  }

  /** Those that live. */
  get services(): readonly TestService[] {
    return this.#services;
  }

  readonly clients = (): readonly SessionClient[] => this.#services.map(({ client }) => client);

  async add(): Promise<TestService> {
    const service = await startService(this.#env);
    this.#services = [...this.#services, service];
    return service;
  }

  /** With no time to say anything unless told otherwise; calls to it fail from now on. */
  async kill(service: TestService, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#services = this.#services.filter((other) => other !== service);
    this.#ended.push(service);
    service.signal(signal);
    await service.exit;
  }

  async end(): Promise<void> {
    await Promise.all(this.#services.map((service) => this.kill(service)));
    for (const { client } of this.#ended) client.close();
  }
}
