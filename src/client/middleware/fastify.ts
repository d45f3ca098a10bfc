import type { HttpRequest } from './cookies.ts';
import { type AuthenticatedRequest, type AuthenticateOptions, decide } from './http.ts';

export {
  type AuthenticatedRequest,
  type AuthenticateOptions,
  sessionOf,
  sessionOrNull,
} from './http.ts';

interface Reply {
  code(status: number): unknown;
  headers(values: Readonly<Record<string, string>>): unknown;
  send(body: string): unknown;
}

interface Instance {
  decorateRequest(name: 'verifiedSession', value: null): unknown;
  addHook(
    name: 'onRequest',
    hook: (request: HttpRequest & AuthenticatedRequest, reply: Reply) => Promise<unknown>,
  ): unknown;
}

/**
 * A plugin for Fastify: `app.register(authenticate, { verifier })`. From there on only requests of a good session reach the routes
 * of `app`, as `request.verifiedSession`; the others are answered as `authenticate` of `./express.ts` does. To let it have
 * effect on some routes alone, register both in a plugin of their own.
 */
export async function authenticate(app: Instance, options: AuthenticateOptions): Promise<void> {
  app.decorateRequest('verifiedSession', null);
  app.addHook('onRequest', async (request, reply) => {
    const decision = await decide(options, request);
    if ('session' in decision) {
      request.verifiedSession = decision.session;
      return undefined;
    }
    const { status, headers, text } = decision.refusal;
    reply.code(status);
    reply.headers({ ...headers, 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
    return reply.send(`${text}\n`);
  });
}

// What is added is for the instance that registers it, not for one within (the protocol of fastify-plugin).
Object.assign(authenticate, { [Symbol.for('skip-override')]: true });
