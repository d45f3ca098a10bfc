import {
  type Metadata,
  type ServerInterceptingCallInterface,
  ServerInterceptingCall,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import type { KnownCaller } from '../access/callers.ts';
import { type Credential, readAlternativeNames, readAuthorization } from '../access/credential.ts';
import { SessionError } from '../error.ts';
import { toServiceError } from './status.ts';
import { streamOf } from './stream_of.ts';

/** Probes are answered whoever asks. */
const OPEN_SERVICE = '/grpc.health.v1.Health/';

const NOTHING_SHOWN: Credential = { kind: 'none' };

export interface IdentityParts {
  /** Undefined where nobody is known by it; asked again for each call, since what the operator says may change. */
  readonly findCaller: (credential: Credential) => KnownCaller | undefined;
  /** Told of calls that nobody known made, and from where. */
  readonly onUnknown: (rpc: string, peer: string) => void;
}

/** Tells who calls. */
export class Identities {
  readonly #parts: IdentityParts;
  readonly #credentials = new WeakMap<Metadata, Credential>();
  /** Of connections: a certificate is read once. */
  readonly #certificates = new WeakMap<object, Credential>();

  constructor(parts: IdentityParts) {
    this.#parts = parts;
  }

  /** Refuses calls of nobody known before anything of their message is read. */
  readonly interceptor: ServerInterceptor = ({ path }, call) => {
    if (path.startsWith(OPEN_SERVICE)) return new ServerInterceptingCall(call);
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, pass) => {
            const credential = this.#credentialOf(metadata, call);
            if (credential !== undefined && this.#parts.findCaller(credential) !== undefined) {
              this.#credentials.set(metadata, credential);
              pass(metadata);
              return;
            }
            this.#parts.onUnknown(path.slice(path.lastIndexOf('/') + 1), call.getPeer());
            call.sendStatus(toServiceError(callerUnknown()));
          },
        }),
    });
  };

  /** @throws {SessionError} CALLER_UNKNOWN, where the operator has removed the caller since the call began */
  callerOf({ metadata }: { readonly metadata: Metadata }): KnownCaller {
    const credential = this.#credentials.get(metadata);
    const caller = credential === undefined ? undefined : this.#parts.findCaller(credential);
    if (caller === undefined) throw callerUnknown();
    return caller;
  }

  /** Undefined where there is something that is no credential: it is not looked past. */
  #credentialOf(metadata: Metadata, call: ServerInterceptingCallInterface): Credential | undefined {
    const headers = metadata.get('authorization');
    if (headers.length > 0) return headers.length === 1 ? readAuthorization(String(headers[0])) : undefined;
    const connection = streamOf(call)?.session;
    const known = connection === undefined ? undefined : this.#certificates.get(connection);
    if (known !== undefined) return known;
    const shown = this.#certificateOf(call);
    if (connection !== undefined) this.#certificates.set(connection, shown);
    return shown;
  }

  #certificateOf(call: ServerInterceptingCallInterface): Credential {
    // Set only where the certificate was verified against the client CA.
    const names = call.getAuthContext().sslPeerCertificate?.subjectaltname;
    return names === undefined ? NOTHING_SHOWN : readAlternativeNames(names);
  }
}

function callerUnknown(): SessionError {
  return new SessionError(
    'CALLER_UNKNOWN',
    'the caller is not known: send authorization: Bearer and a service token, or connect with a client certificate',
  );
}
