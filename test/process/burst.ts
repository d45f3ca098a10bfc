import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { TokenIdentity } from '../../src/revocation/set.ts';
import { type Request, RpcError, type SessionClient } from '../grpc/client.ts';
import { inParallel, open, range, verdict } from '../grpc/expect.ts';
import { identityOf, nameOf } from '../grpc/revocations.ts';
import type { Subscriber } from '../grpc/subscriber.ts';
import { until } from '../servers/process.ts';

const CALLERS = 6;

/** A revocation that was acknowledged. */
interface Acknowledged {
  readonly name: string;
  /** What it ends. */
  readonly tokens: readonly TokenIdentity[];
}

/** Callers that open sessions on all instances and end most of them, one by one or by their user, client or tenant. */
export class Burst {
  readonly acknowledged: Acknowledged[] = [];
  /** Access tokens that nobody ended. */
  readonly kept: string[] = [];
  /** What was thrown other than that something is unavailable. */
  readonly faults: unknown[] = [];
  readonly #clients: () => readonly SessionClient[];
  readonly #callers: Promise<unknown>;
  #isStopped = false;

  constructor(clients: () => readonly SessionClient[]) {
    this.#clients = clients;
    this.#callers = Promise.all(range(CALLERS).map((caller) => this.#call(caller)));
  }

  get names(): readonly string[] {
    return this.acknowledged.map(({ name }) => name);
  }

  /** Until so many more revocations were acknowledged. */
  async go(count: number): Promise<void> {
    const goal = this.acknowledged.length + count;
    await until(`${count} more revocations`, async () => this.acknowledged.length >= goal || this.faults.length > 0);
    assert.deepEqual(this.faults, []);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#callers;
    assert.deepEqual(this.faults, []);
  }

  /** Fails unless each was sent all that was acknowledged, and refuses that and nothing that lives. */
  async assertKnownTo(subscribers: readonly Subscriber[]): Promise<void> {
    const live = await this.#live();
    assert(live.length > 0);
    await Promise.all(
      subscribers.map(async (subscriber) => {
        await subscriber.has(this.names);
        await subscriber.checkpoint();
        for (const { name, tokens } of this.acknowledged) {
          for (const token of tokens) assert.equal(subscriber.view.check(token), 'revoked', name);
        }
        for (const token of live) assert.equal(subscriber.view.check(identityOf(token)), 'good');
      }),
    );
  }

  /** Those that nobody ended, but for what a failover lost of them. */
  async #live(): Promise<readonly string[]> {
    const verdicts = await inParallel(this.kept, 4, (accessToken) => this.#verdict(accessToken));
    return this.kept.filter((_, index) => verdicts[index] === 'ACTIVE');
  }

  /** Once the store answers: after a failover it may be some time till it does. */
  async #verdict(accessToken: string): Promise<string> {
    let given = '';
    await until('a verdict', async () => {
      const [client] = this.#clients();
      assert(client !== undefined);
      given = await verdict(client, { accessToken }, 'CONSISTENCY_STRONG');
      return true;
    });
    return given;
  }

  async #call(caller: number): Promise<void> {
    for (let round = 0; !this.#isStopped; round += 1) {
      const clients = this.#clients();
      const [here, there] = [clients[(caller + round) % clients.length], clients[round % clients.length]];
      try {
        if (here === undefined || there === undefined) await pause(50);
        else await this.#round(here, there, `${caller}-${round}`, round);
      } catch (error) {
        if (!isUnavailable(error)) this.faults.push(error);
        await pause(50);
      }
    }
  }

  async #round(here: SessionClient, there: SessionClient, id: string, round: number): Promise<void> {
    const names = { tenantId: `t${id}`, userId: `u${id}`, clientId: `c${id}` };
    const opened = await Promise.all([open(here, names), open(there, names)]);
    const tokens = opened.map(({ tokens }) => identityOf(tokens.accessToken));
    const { tenantId, userId, clientId } = names;
    switch (round % 16) {
      case 3:
        await this.#end(there, { tenantId, userId }, nameOf({ kind: 'user', tenantId, userId, ...ANY }), tokens);
        return;
      case 7:
        await this.#end(there, { tenantId, clientId }, nameOf({ kind: 'client', tenantId, clientId, ...ANY }), tokens);
        return;
      case 11:
        await this.#end(there, { tenantId, wholeTenant: true }, nameOf({ kind: 'tenant', tenantId, ...ANY }), tokens);
        return;
      default:
        for (const [index, { session, tokens }] of opened.entries()) {
          if (round % 4 === 0 && index === 0) this.kept.push(tokens.accessToken);
          else await this.#endOne(there, tenantId, session.sessionId, identityOf(tokens.accessToken));
        }
    }
  }

  async #end(
    client: SessionClient,
    request: Request<'RevokeSessions'>,
    name: string,
    tokens: readonly TokenIdentity[],
  ): Promise<void> {
    await client.call('RevokeSessions', request);
    this.acknowledged.push({ name, tokens });
  }

  async #endOne(client: SessionClient, tenantId: string, sessionId: string, token: TokenIdentity): Promise<void> {
    const { revoked } = await client.call('RevokeSession', { tenantId, session: { sessionId } });
    // A failover may have lost the session itself.
    if (revoked)
      this.acknowledged.push({
        name: nameOf({ kind: 'session', tenantId, sessionId, minVersion: 0 }),
        tokens: [token],
      });
  }
}

const ANY = { minGeneration: 0, exceptSessionId: '' };

function isUnavailable(error: unknown): boolean {
  return error instanceof RpcError && ['UNAVAILABLE', 'CANCELLED', 'DEADLINE_EXCEEDED'].includes(error.status);
}
