import { encode, RPCS, SessionClient } from '../test/grpc/client.ts';
import { open } from '../test/grpc/expect.ts';
import { BareClient } from '../test/process/bare_client.ts';
import { type Benchmark, cost, inTurn, median, quantile } from './measure.ts';
import { type BenchProcess, monotonicMs, withProcesses } from './process.ts';
import { arrivalMs, subscribe } from './streams.ts';

const ROUNDS = 100;
const WARM_UP_ROUNDS = 10;

const LEAST_RATIO = 1 / 1.5;

const ENV = {
  STORE_URL: 'memory:',
  GRPC_ADDRESS: '127.0.0.1:0',
  HTTP_ADDRESS: '127.0.0.1:0',
  MAX_CONNECTIONS_PER_PEER: '10000',
  CALLER_WATCH_STREAMS: '10000',
  AUDIT_FILE: '/dev/null',
};

/**
 * From the call that revokes to the frame at the last of so many subscribers. The floor writes the same frame to as many
 * streams of grpc-js in a loop; it is timed from the loop on.
 */
export function watchBurst(streams: number): Benchmark {
  return () =>
    withProcesses(async (start) => {
      const [service, bare] = [await start('instance', ENV), await start('bare_streams')];
      const ports = await Promise.all([service, bare].map((server) => server.ask<number>('port')));
      const [port = 0, barePort = 0] = ports;
      const [ours, floors] = [await subscribe(start, port, streams), await subscribe(start, barePort, streams)];
      await Promise.all(ours.map((each) => each.ask('reach', 'checkpoints', 1)));
      const revoker = new Revoker(port);
      await revoker.revoke();
      await arrivalMs(ours, 1);
      const frame = await (ours[0] as BenchProcess).ask<Uint8Array>('brought');
      let [revoked, told] = [1, 0];
      const steps = {
        floor: async () => {
          const sinceMs = await bare.ask<number>('tell', frame);
          return (await arrivalMs(floors, (told += 1))) - sinceMs;
        },
        ours: async () => {
          const sinceMs = await revoker.revoke();
          return (await arrivalMs(ours, (revoked += 1))) - sinceMs;
        },
      };
      await inTurn(WARM_UP_ROUNDS, steps);
      const ms = await inTurn(ROUNDS, steps);
      revoker.close();
      const name = `revoke to the last of ${streams} subscribers`;
      return [
        cost(`${name}, median`, median(ms.ours), 'ms', median(ms.floor)),
        cost(`${name}, p99`, quantile(ms.ours, 0.99), 'ms', quantile(ms.floor, 0.99), LEAST_RATIO),
      ];
    });
}

/** Begins sessions and revokes them, one after the other. */
export class Revoker {
  readonly #client: SessionClient;
  readonly #bare: BareClient;

  constructor(port: number) {
    this.#client = new SessionClient(port);
    this.#bare = new BareClient(port);
  }

  /** Of a new session; tells when the call began. */
  async revoke(): Promise<number> {
    const { sessionId } = (await open(this.#client, { userId: 'ann' })).session;
    const request = encode('RevokeSession', { session: { sessionId } });
    const sinceMs = monotonicMs();
    const { status } = await this.#bare.call(RPCS.RevokeSession.path, request);
    if (status !== 'OK') throw new Error(`a revocation failed: ${status}`);
    return sinceMs;
  }

  close(): void {
    this.#client.close();
    this.#bare.close();
  }
}
