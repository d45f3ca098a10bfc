import { Metadata, type ServerInterceptor, ServerInterceptingCall, ServerListenerBuilder, status } from '@grpc/grpc-js';
import { loadErrorDetails } from '../../wire/loader.ts';
import { msToDuration } from '../../wire/time.ts';
import { VerificationError, type VerificationReason, type VerifiedSession } from '../verified_session.ts';
import { bearerToken, RETRY_AFTER_S, type Verifier } from './verification.ts';

type Status = Parameters<ServerInterceptingCall['sendStatus']>[0];

const TYPES = loadErrorDetails();

/** By the metadata of their calls, which is all of a call that both an interceptor and a handler see. */
const sessions = new WeakMap<Metadata, VerifiedSession>();

/**
 * Lets only calls with `authorization: Bearer …` of a good session through to the handlers of a grpc-js server:
 * `new Server({ interceptors: [authenticate({ verifier })] })`.
 *
 * The others end with UNAUTHENTICATED, or UNAVAILABLE where it can't be told, and google.rpc.ErrorInfo of the domain
 * `sessionauthority`, whose reason is `MISSING`, `INVALID`, `EXPIRED`, `REVOKED`, `SUPERSEDED` or `UNAVAILABLE`.
 */
export function authenticate({ verifier }: { readonly verifier: Verifier }): ServerInterceptor {
  return (_method, call) => {
    const decide = async (metadata: Metadata, proceed: (metadata: Metadata) => void): Promise<void> => {
      const refused = await decision(verifier, metadata);
      if (refused === null) proceed(metadata);
      else call.sendStatus(refused);
    };
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, proceed) => void decide(metadata, proceed))
      .build();
    return new ServerInterceptingCall(call, { start: (next) => next(listener) });
  };
}

/**
 * The session of a call that was let through.
 *
 * @param call what a handler is called with
 * @throws Error where no interceptor has let it through
 */
export function sessionOf(call: { readonly metadata: Metadata }): VerifiedSession {
  const session = sessions.get(call.metadata);
  if (session === undefined) throw new Error('no session: the server has no authenticate() among its interceptors');
  return session;
}

/** What to refuse the call with, or null. */
async function decision(verifier: Verifier, metadata: Metadata): Promise<Status | null> {
  const token = bearerToken(metadata.get('authorization').join(', '));
  if (token === null) return refusal('MISSING', 'authorization of the scheme Bearer is needed');
  try {
    sessions.set(metadata, await verifier.verify(token));
    return null;
  } catch (error) {
    return refusalFor(error);
  }
}

function refusalFor(thrown: unknown): Status {
  if (!(thrown instanceof VerificationError)) return { code: status.INTERNAL, details: 'internal error' };
  return refusal(thrown.reason.toUpperCase() as Uppercase<VerificationReason>, thrown.message);
}

function refusal(reason: Uppercase<VerificationReason> | 'MISSING', text: string): Status {
  const code = reason === 'UNAVAILABLE' ? status.UNAVAILABLE : status.UNAUTHENTICATED;
  const info = TYPES.errorInfo.serialize({ reason, domain: 'sessionauthority' });
  const details = [{ type_url: 'type.googleapis.com/google.rpc.ErrorInfo', value: info }];
  if (code === status.UNAVAILABLE) {
    const value = TYPES.retryInfo.serialize({ retryDelay: msToDuration(RETRY_AFTER_S * 1000) });
    details.push({ type_url: 'type.googleapis.com/google.rpc.RetryInfo', value });
  }
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', TYPES.status.serialize({ code, message: text, details }));
  return { code, details: text, metadata };
}
