/*
 * A program that must end by itself, with a client in the state of its first argument. The others are the port of a service
 * and one on which nobody listens.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { SessionAuthorityClient } from '../../src/client/index.ts';

const [state, port, nobody] = process.argv.slice(2);
const client = new SessionAuthorityClient({ target: `127.0.0.1:${port}` });
const lost = new SessionAuthorityClient({ target: [`127.0.0.1:${nobody}`, `127.0.0.1:${port}`] });

const STATES: Readonly<Record<string, () => Promise<unknown>>> = {
  closed: () => client.getJwks(),
  'closed before its first call': async () => {},
  'closed while it connects': async () => void client.getJwks().catch(() => {}),
  'closed in a call': async () => {
    await client.getJwks();
    void client.getJwks({ deadlineMs: 600_000 }).catch(() => {});
  },
  'closed between attempts': async () => {
    lost.close();
    const alone = new SessionAuthorityClient({ target: `127.0.0.1:${nobody}` });
    void alone.createSession({}, { deadlineMs: 600_000 }).catch(() => {});
    await sleep(20);
    alone.close();
  },
  'closed with a subscription': () =>
    new Promise<void>((resolve) => {
      lost.watchRevocations({}, () => {});
      client.watchRevocations({}, ({ kind }) => {
        if (kind === 'checkpoint') resolve();
      });
    }),
  'not closed': async () => {
    await client.getJwks();
    await lost.getJwks();
  },
};

await STATES[state ?? '']?.();
if (state !== 'not closed') {
  client.close();
  lost.close();
}
process.stdout.write('done\n');
