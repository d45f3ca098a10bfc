import { until } from './process.ts';
import { RedisFolder, type RedisNode } from './redis.ts';

const MASTER = 'session-authority';
const SENTINELS = 3;

/** One master, two replicas and three sentinels, two of which must agree. */
export class RedisSentinel {
  /** In no order that a failover would not change. */
  readonly nodes: readonly RedisNode[];
  readonly sentinels: readonly RedisNode[];
  readonly url: string;
  readonly #folder: RedisFolder;

  private constructor(nodes: readonly RedisNode[], sentinels: readonly RedisNode[], folder: RedisFolder) {
    this.nodes = nodes;
    this.sentinels = sentinels;
    this.url = `redis-sentinel://${sentinels.map((sentinel) => sentinel.address).join(',')}/${MASTER}`;
    this.#folder = folder;
  }

  /** New and empty, once replicas are in sync and each sentinel knows all others and all nodes. */
  static create(): Promise<RedisSentinel> {
    return RedisFolder.build(async (folder) => {
      const master = await folder.startData();
      const replicaOf = ['--replicaof', `127.0.0.1 ${master.port}`];
      const replicas = await Promise.all([folder.startData(replicaOf), folder.startData(replicaOf)]);
      // A sentinel asks for the replicas at once, and then not again for ten seconds.
      await until('the master has two replicas', async () => onlineReplicas(await master.info('replication')) === 2);
      const config = sentinelConfig(master.port);
      const sentinels = await Promise.all(Array.from({ length: SENTINELS }, () => folder.startSentinel(config)));
      const server = new RedisSentinel([master, ...replicas], sentinels, folder);
      await server.settled();
      return server;
    });
  }

  /** The node that most sentinels call the master, whether or not it lives. */
  async master(): Promise<RedisNode> {
    const answers = await Promise.allSettled(
      this.sentinels
        .filter(({ isUp }) => isUp)
        .map((sentinel) => sentinel.command('SENTINEL', 'get-master-addr-by-name', MASTER)),
    );
    const ports = answers.map((answer) => (answer.status === 'fulfilled' ? Number((answer.value as string[])[1]) : 0));
    const master = this.nodes.find(({ port }) => ports.filter((named) => named === port).length > SENTINELS / 2);
    if (master === undefined) throw new Error(`the sentinels do not agree: ${ports.join(', ')}`);
    return master;
  }

  async replicas(): Promise<readonly RedisNode[]> {
    const master = await this.master();
    return this.nodes.filter((node) => node !== master);
  }

  /** Waits until a node other than that one is a master that takes writes, and returns it. */
  async failoverFrom(former: RedisNode): Promise<RedisNode> {
    let master = former;
    await until('the sentinels name another master', async () => {
      master = await this.master();
      return master !== former && (await master.info('replication')).get('role') === 'master';
    });
    return master;
  }

  /** Waits until all nodes and sentinels are there and know each other, as after `create`. */
  async settled(): Promise<void> {
    for (const sentinel of this.sentinels) {
      await until(`the sentinel ${sentinel.address} knows all others`, async () => {
        const known = (await sentinel.info('sentinel')).get('master0') ?? '';
        return known.includes('status=ok') && known.endsWith(`slaves=2,sentinels=${SENTINELS}`);
      });
    }
    for (const replica of await this.replicas()) {
      await until(`the replica ${replica.address} is in sync`, () => replica.isInSync());
    }
  }

  remove(): Promise<void> {
    return this.#folder.remove();
  }
}

function sentinelConfig(masterPort: number): string {
  return [
    `sentinel monitor ${MASTER} 127.0.0.1 ${masterPort} 2`,
    `sentinel down-after-milliseconds ${MASTER} 1000`,
    `sentinel failover-timeout ${MASTER} 5000`,
    '',
  ].join('\n');
}

function onlineReplicas(replication: ReadonlyMap<string, string>): number {
  return [...replication].filter(([key, value]) => /^slave\d+$/.test(key) && value.includes('state=online')).length;
}
