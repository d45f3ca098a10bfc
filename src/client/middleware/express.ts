import type { HttpRequest, HttpResponse } from './cookies.ts';
import { type AuthenticatedRequest, type AuthenticateOptions, decide, type HttpRefusal } from './http.ts';

export {
  type AuthenticatedRequest,
  type AuthenticateOptions,
  sessionOf,
  sessionOrNull,
} from './http.ts';

/** What a refusal is answered by: node's response, and so express's and connect's. */
interface Answerable extends HttpResponse {
  statusCode: number;
  end(body: string): unknown;
}

type Handler = (request: HttpRequest, response: Answerable, next: (error?: unknown) => void) => void;

/**
 * A handler for express and connect (`app.use`, or before a route's own) that lets only requests of a good session pass, as
 * `request.verifiedSession`. The others are answered 401 with a challenge (RFC 6750, section 3), 403 where a page of another site
 * sent them, or 503 with Retry-After where it can't be told. Whatever else goes wrong goes to `next`.
 */
export function authenticate(options: AuthenticateOptions): Handler {
  return (request, response, next) => void handle(options, request, response, next);
}

async function handle(options: AuthenticateOptions, ...[request, response, next]: Parameters<Handler>): Promise<void> {
  try {
    const decision = await decide(options, request);
    if ('refusal' in decision) {
      refuse(response, decision.refusal);
      return;
    }
    (request as AuthenticatedRequest).verifiedSession = decision.session;
  } catch (error) {
    next(error);
    return;
  }
  next();
}

function refuse(response: Answerable, { status, headers, text }: HttpRefusal): void {
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.setHeader('cache-control', 'no-store');
  response.end(`${text}\n`);
}
