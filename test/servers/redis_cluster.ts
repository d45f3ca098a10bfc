import { until } from './process.ts';
import { RedisFolder, type RedisNode } from './redis.ts';

/** A line of CLUSTER NODES. */
interface Member {
  readonly id: string;
  readonly port: number;
  readonly flags: readonly string[];
  /** The id of its master, or `-`. */
  readonly master: string;
  /** First and last of each range that it serves. */
  readonly slots: readonly (readonly [number, number])[];
}

/** Three masters and three replicas. */
export class RedisCluster {
  /** In no order that a failover would not change. */
  readonly nodes: readonly RedisNode[];
  readonly url: string;
  readonly #folder: RedisFolder;

  private constructor(nodes: readonly RedisNode[], folder: RedisFolder) {
    this.nodes = nodes;
    this.url = `redis-cluster://${nodes.map((node) => node.address).join(',')}`;
    this.#folder = folder;
  }

  /** New and empty, once all nodes call it whole and each master has its replica. */
  static create(): Promise<RedisCluster> {
    return RedisFolder.build(async (folder) => {
      const settings = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000'];
      const nodes = await Promise.all(Array.from({ length: 6 }, () => folder.startData(settings)));
      const addresses = nodes.map((node) => node.address);
      await folder.redisCli(['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes']);
      const cluster = new RedisCluster(nodes, folder);
      await cluster.settled();
      return cluster;
    });
  }

  /** The node that serves the key, as one that lives and is no part of a minority sees it. */
  async masterOf(key: string): Promise<RedisNode> {
    return this.#masterOfSlot(await this.#slotOf(key));
  }

  /** As a live node of the majority sees them. */
  async masters(): Promise<readonly RedisNode[]> {
    return (await this.#members()).filter(isServing).map((member) => this.#node(member));
  }

  async replicasOf(master: RedisNode): Promise<readonly RedisNode[]> {
    const members = await this.#members();
    const id = members.find(({ port }) => port === master.port)?.id;
    return members.filter((member) => member.master === id).map((member) => this.#node(member));
  }

  /** Waits until the key is served by a node other than that one, which all that live agree on, and returns it. */
  async failoverFrom(former: RedisNode, key: string): Promise<RedisNode> {
    const slot = await this.#slotOf(key);
    let master = former;
    await until('another node serves the key', async () => {
      master = await this.#masterOfSlot(slot);
      const states = await Promise.all(this.#nodesUp().map((node) => node.command('CLUSTER', 'INFO')));
      return master !== former && states.every((state) => String(state).includes('cluster_state:ok'));
    });
    return master;
  }

  /** Waits until all nodes are there, in sync, and agree that every slot is served, as after `create`. */
  async settled(): Promise<void> {
    for (const node of this.nodes) {
      await until(`the cluster is whole to ${node.address}`, async () => {
        const [state, members] = await Promise.all([node.command('CLUSTER', 'INFO'), membersSeenBy(node)]);
        const masters = members.filter(isServing);
        const hasReplica = ({ id }: Member) => members.some(({ master }) => master === id);
        const isWhole = members.length === this.nodes.length && masters.length === 3 && masters.every(hasReplica);
        return isWhole && String(state).includes('cluster_state:ok') && !members.some(hasFailed);
      });
    }
    for (const node of this.nodes) {
      await until(`${node.address} is in sync`, async () => {
        const replication = await node.info('replication');
        if (replication.get('role') === 'master') return replication.get('connected_slaves') !== '0';
        return replication.get('master_link_status') === 'up';
      });
    }
  }

  remove(): Promise<void> {
    return this.#folder.remove();
  }

  async #slotOf(key: string): Promise<number> {
    const [node] = this.#nodesUp();
    return Number(await node?.command('CLUSTER', 'KEYSLOT', key));
  }

  async #masterOfSlot(slot: number): Promise<RedisNode> {
    const members = await this.#members();
    const master = members.find(
      (member) => isServing(member) && member.slots.some(([first, last]) => first <= slot && slot <= last),
    );
    if (master === undefined) throw new Error(`no node serves the slot ${slot}`);
    return this.#node(master);
  }

  /** What the first node says that has a whole view; one that was cut off has not. */
  async #members(): Promise<readonly Member[]> {
    const views = await Promise.all(this.#nodesUp().map((node) => membersSeenBy(node)));
    const live = (members: readonly Member[]) => members.filter((member) => !hasFailed(member)).length;
    const [best] = views.sort((one, other) => live(other) - live(one));
    if (best === undefined) throw new Error('no node of the cluster answers');
    return best;
  }

  #nodesUp(): readonly RedisNode[] {
    return this.nodes.filter((node) => node.isUp);
  }

  #node(member: Member): RedisNode {
    const node = this.nodes.find(({ port }) => port === member.port);
    if (node === undefined) throw new Error(`a stranger on port ${member.port} is in the cluster`);
    return node;
  }
}

function isServing(member: Member): boolean {
  return member.flags.includes('master') && member.slots.length > 0 && !member.flags.includes('fail');
}

function hasFailed(member: Member): boolean {
  return member.flags.some((flag) => ['fail', 'fail?', 'handshake', 'noaddr'].includes(flag));
}

async function membersSeenBy(node: RedisNode): Promise<Member[]> {
  const lines = String(await node.command('CLUSTER', 'NODES'))
    .trim()
    .split('\n');
  return lines.map((line) => {
    const [id = '', address = '', flags = '', master = '', , , , , ...slots] = line.split(' ');
    return {
      id,
      port: Number(/:(\d+)@/.exec(address)?.[1]),
      flags: flags.split(','),
      master,
      slots: slots.filter((range) => !range.startsWith('[')).map((range) => bounds(range)),
    };
  });
}

function bounds(range: string): readonly [number, number] {
  const [first = '', last = first] = range.split('-');
  return [Number(first), Number(last)];
}
