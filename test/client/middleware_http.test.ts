import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import Fastify, { type FastifyInstance } from 'fastify';
import { SessionCookie } from '../../src/client/middleware/cookies.ts';
import {
  authenticate,
  type AuthenticateOptions,
  sessionOf,
  sessionOrNull,
} from '../../src/client/middleware/express.ts';
import { authenticate as authenticatePlugin } from '../../src/client/middleware/fastify.ts';
import { freePort } from '../harness.ts';
import { type Answer, listen, send } from '../http_client.ts';
import { startAuthority, type TestAuthority, verifierOf } from './authority.ts';

type Served = { readonly port: number; readonly close: () => Promise<unknown> };

function serverOf(server: Server): Promise<Served> {
  const close = () => new Promise((resolve) => server.close(resolve));
  return listen(server).then((port) => ({ port, close }));
}

const who = (request: object) => `user ${sessionOrNull(request)?.userId ?? 'nobody'}`;

/** A server of one route, which tells who asks; `fault` shows what a handler for errors was given. */
const FRAMEWORKS: Readonly<Record<string, (options: AuthenticateOptions) => Promise<Served>>> = {
  express: (options) => {
    const app = express();
    app.all('/', authenticate(options), (request, response) => void response.end(who(request)));
    const handler: express.ErrorRequestHandler = (error: Error, _request, response, _next) =>
      void response.status(500).end(`fault ${error.message}`);
    app.use(handler);
    return serverOf(createServer(app));
  },
  'a connect-style chain': (options) => {
    const handler = authenticate(options);
    return serverOf(
      createServer((request, response) => {
        handler(request, response, (error) => {
          response.statusCode = error instanceof Error ? 500 : 200;
          response.end(error instanceof Error ? `fault ${error.message}` : who(request));
        });
      }),
    );
  },
  fastify: async (options) => {
    const app: FastifyInstance = Fastify({ forceCloseConnections: true });
    app.setErrorHandler((error: Error, _request, reply) => reply.code(500).send(`fault ${error.message}`));
    await app.register(authenticatePlugin, options);
    app.all('/', (request, reply) => reply.send(who(request)));
    await app.listen({ host: '127.0.0.1', port: 0 });
    return { port: (app.server.address() as AddressInfo).port, close: () => app.close() };
  },
};

for (const [name, serve] of Object.entries(FRAMEWORKS)) {
  describe(`authenticate on ${name}`, () => {
    const cookie = new SessionCookie({ allowedOrigins: ['https://friend.example'] });
    const servers: Served[] = [];
    let parts: TestAuthority;
    const ports = { bearer: 0, cookie: 0, optional: 0 };
    const open = async (options: AuthenticateOptions): Promise<number> => {
      const served = await serve(options);
      servers.push(served);
      return served.port;
    };
    const bearer = async (userId = 'alice') => (await parts.authority.createSession({ userId })).tokens.accessToken;
    const cookieOf = async (userId = 'carol') => {
      const { tokens } = await parts.authority.createSession({ userId, tokenMode: 'opaque' });
      return `${cookie.name}=${tokens.sessionToken}`;
    };
    const revoke = (accessToken: string) => parts.authority.revokeSession({ session: { accessToken } });

    before(async () => {
      parts = await startAuthority();
      const { verifier } = parts;
      ports.bearer = await open({ verifier });
      ports.cookie = await open({ verifier, cookie });
      ports.optional = await open({ verifier, cookie, optional: true });
    });
    after(async () => {
      for (const { close } of servers) await close();
      await parts.stop();
    });

    const passes = (answer: Answer, userId: string) => {
      assert.deepEqual([answer.status, answer.body], [200, `user ${userId}`]);
    };
    const refuses = ({ status, headers, body }: Answer, challenge: string) => {
      assert.equal(status, 401);
      assert.equal(headers['www-authenticate'], challenge);
      assert.equal(headers['cache-control'], 'no-store');
      assert.doesNotMatch(body, /user/);
    };
    const invalid = (text: string) => `Bearer realm="sessions", error="invalid_token", error_description="${text}"`;

    it('lets a bearer token pass, whatever the case of its scheme', async () => {
      const token = await bearer();
      passes(await send(ports.bearer, 'GET /', { authorization: `Bearer ${token}` }), 'alice');
      passes(await send(ports.bearer, 'POST /', { authorization: `bearer  ${token}` }), 'alice');
    });

    it('tells who brings no token no error', async () => {
      refuses(await send(ports.bearer, 'GET /'), 'Bearer realm="sessions"');
      refuses(await send(ports.bearer, 'GET /', { authorization: 'Basic YTpi' }), 'Bearer realm="sessions"');
      refuses(await send(ports.bearer, 'GET /', { cookie: await cookieOf() }), 'Bearer realm="sessions"');
    });

    it('says why a token is refused', async () => {
      for (const authorization of ['Bearer', 'Bearer nonsense', `Bearer ${await bearer()}x`]) {
        refuses(await send(ports.bearer, 'GET /', { authorization }), invalid('the credential is invalid'));
      }
      const token = await bearer();
      await revoke(token);
      const answer = await untilRefused(ports.bearer, { authorization: `Bearer ${token}` });
      refuses(answer, invalid('the session was revoked'));
    });

    it('answers 503 where it can not be told', async () => {
      const nobody = verifierOf(`127.0.0.1:${await freePort()}`);
      const port = await open({ verifier: nobody.verifier, cookie, optional: true });
      const credentials = [{ authorization: `Bearer ${await bearer()}` }, { cookie: await cookieOf() }];
      for (const headers of credentials) {
        const answer = await send(port, 'GET /', headers);
        assert.deepEqual([answer.status, answer.headers['retry-after']], [503, '1']);
      }
      nobody.verifier.close();
      nobody.authority.close();
    });

    it('hands a fault to the error handler', async () => {
      const port = await open({ verifier: { verify: () => Promise.reject(new Error('broken')) } });
      const { status, body } = await send(port, 'GET /', { authorization: 'Bearer x' });
      assert.deepEqual([status, body], [500, 'fault broken']);
    });

    it('lets a cookie pass, and a bearer token before it', async () => {
      passes(await send(ports.cookie, 'GET /', { cookie: `a=b; ${await cookieOf()}` }), 'carol');
      const both = { authorization: `Bearer ${await bearer()}`, cookie: await cookieOf() };
      passes(await send(ports.cookie, 'GET /', both), 'alice');
    });

    it('takes nothing but a session token from a cookie', async () => {
      const headers = { cookie: `${cookie.name}=${await bearer()}` };
      refuses(await send(ports.cookie, 'GET /', headers), invalid('the credential is invalid'));
      passes(await send(ports.optional, 'GET /', headers), 'nobody');
    });

    it('refuses several cookies of the name', async () => {
      const [mine, other] = [await cookieOf(), await cookieOf('mallory')];
      for (const cookies of [`${mine}; ${other}`, `${mine}; x=y; ${mine}`, [mine, other]]) {
        refuses(await send(ports.cookie, 'GET /', { cookie: cookies }), invalid('the credential is invalid'));
        passes(await send(ports.optional, 'GET /', { cookie: cookies }), 'nobody');
      }
    });

    it('takes no cookie away: a login beside the request may have given another', async () => {
      for (const port of [ports.cookie, ports.optional]) {
        const { headers } = await send(port, 'GET /', { cookie: `${cookie.name}=sas_nonsense` });
        assert.equal(headers['set-cookie'], undefined);
      }
    });

    it('lets nobody pass where it is optional, but no bad bearer token', async () => {
      passes(await send(ports.optional, 'GET /'), 'nobody');
      passes(await send(ports.optional, 'GET /', { cookie: `${cookie.name}=sas_nonsense` }), 'nobody');
      passes(await send(ports.optional, 'GET /', { cookie: await cookieOf() }), 'carol');
      const answer = await send(ports.optional, 'GET /', { authorization: 'Bearer nonsense' });
      refuses(answer, invalid('the credential is invalid'));
    });

    it('refuses what a page of another site sends with a cookie', async () => {
      const crossSite = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
      const cookies = { cookie: await cookieOf() };
      for (const port of [ports.cookie, ports.optional]) {
        assert.equal((await send(port, 'POST /', { ...cookies, ...crossSite })).status, 403);
        assert.equal((await send(port, 'POST /', crossSite)).status, 403, 'a login would be forged');
        assert.equal((await send(port, 'POST /', cookies)).status, 403, 'nothing tells where it comes from');
        passes(await send(port, 'GET /', { ...cookies, ...crossSite }), 'carol');
        passes(await send(port, 'POST /', { ...cookies, 'sec-fetch-site': 'same-origin' }), 'carol');
        passes(await send(port, 'POST /', { ...cookies, ...crossSite, origin: 'https://friend.example' }), 'carol');
      }
    });

    it('lets a bearer token pass from anywhere: no browser adds one by itself', async () => {
      const headers = {
        authorization: `Bearer ${await bearer()}`,
        cookie: await cookieOf(),
        origin: 'https://evil.example',
      };
      passes(await send(ports.cookie, 'POST /', headers), 'alice');
    });
  });
}

describe('sessionOf', () => {
  it('throws for a request that did not pass', () => {
    assert.throws(() => sessionOf({}), /no session/);
    assert.equal(sessionOrNull({}), null);
  });
});

/** Until the revocation has come. */
async function untilRefused(port: number, headers: Record<string, string>): Promise<Answer> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const answer = await send(port, 'GET /', headers);
    if (answer.status !== 200 || Date.now() > deadline) return answer;
  }
}
