import { createPublicKey, generateKeyPairSync, type JsonWebKey, sign, verify } from 'node:crypto';
import jsonwebtoken from 'jsonwebtoken';
import { SessionAuthorityClient, SessionVerifier } from '../src/client/index.ts';
import { costs, inTurn, median, plain, type Result, timedMs } from './measure.ts';
import { creations, decode, RpcBench } from './rpc.ts';

const ROUNDS = 7;
const WARM_UP_ROUNDS = 2;
const TOKENS = 1000;
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
      newFloor: () => timedMs(() => tokens.forEach((token) => jsonwebtoken.verify(token, key, SIGNATURE))),
      new: () => verifyAll(verifying, tokens),
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
      costs('verify, new token', perToken(ms.new, 1), 'µs', perToken(ms.newFloor, 1), 0.85),
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

async function verifyAll(verifying: SessionVerifier, tokens: readonly string[]): Promise<number> {
  const sinceMs = performance.now();
  for (const token of tokens) await verifying.verify(token);
  return performance.now() - sinceMs;
}

/** What jsonwebtoken takes beyond the signature, which floors have too. */
async function bareSignatures(): Promise<Result[]> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const claims = JSON.stringify({ text: 'x'.repeat(400) });
  const bytes = Buffer.from(claims);
  const token = jsonwebtoken.sign(claims, privateKey, { algorithm: 'ES256' });
  const signature = sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' });
  const times = (work: () => unknown) => () =>
    timedMs(() => {
      for (let time = 0; time < TOKENS; time += 1) work();
    });
  const ms = await inTurn(ROUNDS, {
    sign: times(() => jsonwebtoken.sign(claims, privateKey, { algorithm: 'ES256' })),
    bareSign: times(() => sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' })),
    verify: times(() => jsonwebtoken.verify(token, publicKey, SIGNATURE)),
    bareVerify: times(() => verify('sha256', bytes, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)),
  });
  const us = (samples: readonly number[]) => (median(samples) * 1000) / TOKENS;
  return [
    plain('ES256 by jsonwebtoken, sign', us(ms.sign), 'µs'),
    plain('ES256 by node:crypto, sign', us(ms.bareSign), 'µs'),
    plain('ES256 by jsonwebtoken, verify', us(ms.verify), 'µs'),
    plain('ES256 by node:crypto, verify', us(ms.bareVerify), 'µs'),
  ];
}
