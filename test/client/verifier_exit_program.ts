/*
 * A program that must end by itself when its verifier is closed, in the state of its first argument. The others are the
 * port of a service and one on which nobody listens.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { SessionAuthorityClient, SessionVerifier } from '../../src/client/index.ts';

const [state, port, nobody] = process.argv.slice(2);
const authority = new SessionAuthorityClient({ target: `127.0.0.1:${port}` });
const lost = new SessionAuthorityClient({ target: `127.0.0.1:${nobody}` });
const start = (of: SessionAuthorityClient) =>
  new SessionVerifier({ authority: of, issuer: 'http://127.0.0.1:8080', audience: 'session-authority' });
const verifiers: SessionVerifier[] = [];
const ready = async () => {
  const verifier = start(authority);
  verifiers.push(verifier);
  await verifier.ready();
  return verifier;
};
const cookie = async () => (await authority.createSession({ tokenMode: 'opaque' })).tokens.sessionToken;

const STATES: Readonly<Record<string, () => Promise<unknown>>> = {
  ready,
  'just made': async () => void verifiers.push(start(authority), start(lost)),
  'without a service': async () => {
    const verifier = start(lost);
    verifiers.push(verifier);
    await verifier.ready({ timeoutMs: 500 }).catch(() => {});
  },
  watching: async () => {
    const verifier = await ready();
    verifier.on('revoked', () => {});
    verifier.on('state', () => {});
    verifier.watch(await verifier.verify(await cookie()), () => {});
  },
  'with a call under way': async () => {
    const verifier = await ready();
    const token = await cookie();
    void verifier.verify(token).catch(() => {});
    void verifier.ready().catch(() => {});
    await sleep(0);
  },
};

await STATES[state ?? '']?.();
for (const verifier of verifiers) verifier.close();
authority.close();
lost.close();
process.stdout.write('done\n');
