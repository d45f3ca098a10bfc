import { createPublicKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import jsonwebtoken from 'jsonwebtoken';
import { SessionAuthorityClient, SessionVerifier } from '../src/client/index.ts';
import { bareSign, bareVerify } from './bare_signature.ts';
import { costs, inTurn, median, plain, type Result, timedMs } from './measure.ts';
import { creations, decode, RpcBench } from './rpc.ts';

// Short ones, for both sides of a round are to meet the same machine.
const ROUNDS = 61;
const WARM_UP_ROUNDS = 60;
const TOKENS = 100;
/** How often each token is shown again. */
const SHOWN_AGAIN = 20;

/** New tokens are seen before once they were verified. */
const CHAINS = [['begin', 'new', 'seen']] as const;

/** In a process that serves requests with them; of the service and its floor it needs the tokens alone. */
export async function verifier(): Promise<readonly Result[]> {
  const bench = await RpcBench.start({ storeUrl: 'memory:', isOpen: true });
  const authority = new SessionAuthorityClient({ target: `127.0.0.1:${bench.service.port}` });
  const verifying = new SessionVerifier({
    authority,
    issuer: 'http://127.0.0.1:8080',
    audience: 'session-authority',
  });
  try {
    await verifying.ready();
    const { keys } = await authority.getJwks();
    const key = createPublicKey({ key: keys[0] as JsonWebKey, format: 'jwk' });
    let tokens: readonly string[] = [];
    let known = new Map<string, object>();
    const steps = {
      begin: async () => {
        const answers = await bench.answers('CreateSession', creations(TOKENS));
        tokens = answers.map((answer) => decode('CreateSession', answer).tokens?.accessToken ?? '');
        known = new Map(tokens.map((token) => [token, {}]));
        return 0;
      },
      newFloor: () => cpuMs(() => tokens.forEach((token) => bareVerify(token, key))),
      new: () => cpuMs(() => verifyAll(verifying, tokens)),
      seenFloor: () => timedMs(() => again(() => tokens.forEach((token) => known.get(token)))),
      seen: async () => {
        const sinceMs = performance.now();
        for (let time = 0; time < SHOWN_AGAIN; time += 1) await verifyAll(verifying, tokens);
        return performance.now() - sinceMs;
      },
    };
    await inTurn<keyof typeof steps, number>(WARM_UP_ROUNDS, steps, CHAINS);
    const ms = await inTurn<keyof typeof steps, number>(ROUNDS, steps, CHAINS);
    const perToken = (samples: readonly number[], times: number) => samples.map((ms) => (ms * 1000) / TOKENS / times);
    return [
      costs('verify, new token: CPU', perToken(ms.new, 1), 'µs', perToken(ms.newFloor, 1), 0.85),
      costs(
        'verify, token seen before, beside a Map',
        perToken(ms.seen, SHOWN_AGAIN),
        'µs',
        perToken(ms.seenFloor, SHOWN_AGAIN),
      ),
      ...(await bareSignatures()),
    ];
  } finally {
    verifying.close();
    authority.close();
    await bench.end();
  }
}

const SIGNATURE = { algorithms: ['ES256'], ignoreExpiration: true } as const satisfies jsonwebtoken.VerifyOptions & {
  algorithms: readonly string[];
};

function again(work: () => void): void {
  for (let time = 0; time < SHOWN_AGAIN; time += 1) work();
}

async function verifyAll(verifying: SessionVerifier, tokens: readonly string[]): Promise<void> {
  for (const token of tokens) await verifying.verify(token);
}

/** What it takes of a processor, collecting its garbage included, whatever else the machine does meanwhile. */
async function cpuMs(work: () => Promise<void> | void): Promise<number> {
  const since = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}

/** What jsonwebtoken takes beyond the signature. */
async function bareSignatures(): Promise<Result[]> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const claims = JSON.stringify({ text: 'x'.repeat(400) });
  const bytes = Buffer.from(claims);
  const token = jsonwebtoken.sign(claims, privateKey, { algorithm: 'ES256' });
  const times = (work: () => unknown) => () =>
    timedMs(() => {
      for (let time = 0; time < TOKENS; time += 1) work();
    });
  const ms = await inTurn(ROUNDS, {
    sign: times(() => jsonwebtoken.sign(claims, privateKey, { algorithm: 'ES256' })),
    bareSign: times(() => bareSign(bytes, privateKey)),
    verify: times(() => jsonwebtoken.verify(token, publicKey, SIGNATURE)),
    bareVerify: times(() => bareVerify(token, publicKey)),
  });
  const us = (samples: readonly number[]) => (median(samples) * 1000) / TOKENS;
  return [
    plain('ES256 by jsonwebtoken, sign', us(ms.sign), 'µs'),
    plain('ES256 by node:crypto, sign', us(ms.bareSign), 'µs'),
    plain('ES256 by jsonwebtoken, verify', us(ms.verify), 'µs'),
    plain('ES256 by node:crypto, verify', us(ms.bareVerify), 'µs'),
  ];
}
