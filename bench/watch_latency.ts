import { generateMasterKey } from '../src/token/master_key.ts';
import { temporaryFolder } from '../test/harness.ts';
import { cost, inTurn, median, quantile, type Result } from './measure.ts';
import { onStores, type StoreName } from './places.ts';
import { type BenchProcess, type StartProcess, withProcesses } from './process.ts';
import { arrivalMs, subscribe } from './streams.ts';
import { Revoker } from './watch_burst.ts';

const ROUNDS = 300;
const WARM_UP_ROUNDS = 50;

/** Four times the floor. */
const LEAST_RATIO = 0.25;

/** A small row. */
const BARE_BYTES = 400;

/**
 * From the request that revokes to the frame that tells of it, on the instance that was asked and on another one. The floor
 * writes once to the store, then once to a stream; it is timed from that write on.
 */
export function watchLatency(): Promise<readonly Result[]> {
  return onStores((store, storeUrl) => withProcesses((start) => onStore(store, storeUrl, start)));
}

interface Subscribed {
  readonly server: BenchProcess;
  readonly port: number;
  readonly stream: readonly BenchProcess[];
}

async function onStore(store: StoreName, url: string, start: StartProcess): Promise<Result[]> {
  const folder = temporaryFolder();
  const env = {
    STORE_URL: url === 'sqlite:' ? `sqlite:${folder.path}/sessions.db` : url,
    MASTER_KEY: generateMasterKey().toString('base64'),
    MIGRATE_ON_START: 'true',
    GRPC_ADDRESS: '127.0.0.1:0',
    HTTP_ADDRESS: '127.0.0.1:0',
    AUDIT_FILE: '/dev/null',
  };
  const isShared = store === 'postgres' || store === 'redis';
  const asked = await subscribed(start, await start('instance', env));
  const other = isShared ? await subscribed(start, await start('instance', env)) : null;
  const bare = await subscribed(start, await start('bare_streams'));
  await bare.server.ask('open', url === 'sqlite:' ? `sqlite:${folder.path}/bare.db` : url, BARE_BYTES);
  const instances = other === null ? [asked] : [asked, other];
  for (const { stream } of instances) await stream[0]?.ask('reach', 'checkpoints', 1);

  const revoker = new Revoker(asked.port);
  let [revoked, told] = [0, 0];
  const revoke = async () => {
    const sinceMs = await revoker.revoke();
    revoked += 1;
    return Promise.all(instances.map(async ({ stream }) => (await arrivalMs(stream, revoked)) - sinceMs));
  };
  await revoke();
  const frame = await asked.stream[0]?.ask<Uint8Array>('brought');
  const tell = async () => {
    const sinceMs = await bare.server.ask<number>('tell', frame);
    return [(await arrivalMs(bare.stream, (told += 1))) - sinceMs];
  };
  await inTurn(WARM_UP_ROUNDS, { tell, revoke });
  const ms = await inTurn(ROUNDS, { tell, revoke });
  revoker.close();
  folder.remove();
  const floorMs = ms.tell.map(([ms = 0]) => ms);
  return instances.flatMap((_, index) => {
    const name = `${store}, ${index === 0 ? 'same' : 'other'} instance`;
    const ourMs = ms.revoke.map((both) => both[index] ?? 0);
    return [
      cost(`${name}, median`, median(ourMs), 'ms', median(floorMs), index === 0 ? LEAST_RATIO : null),
      cost(`${name}, p99`, quantile(ourMs, 0.99), 'ms', quantile(floorMs, 0.99)),
    ];
  });
}

async function subscribed(start: StartProcess, server: BenchProcess): Promise<Subscribed> {
  const port = await server.ask<number>('port');
  return { server, port, stream: await subscribe(start, port, 1) };
}
