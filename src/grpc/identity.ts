import type { Metadata } from '@grpc/grpc-js';
import type { KnownCaller } from '../access/callers.ts';
import { type Credential, readAlternativeNames, readAuthorization } from '../access/credential.ts';
import { SessionError } from '../error.ts';
import { streamOf } from './stream_of.ts';

const NOTHING_SHOWN: Credential = { kind: 'none' };

/** The part of a call that tells who made it. */
export interface IdentifiedCall {
  readonly metadata: Metadata;
  getAuthContext(): { readonly sslPeerCertificate?: { readonly subjectaltname?: string; readonly valid_to: string } };
}

/** What a connection showed, and until when that counts. */
interface Shown {
  readonly credential: Credential;
  readonly untilMs: number;
}

/** The header that a connection showed last. */
interface ReadHeader {
  readonly header: string;
  readonly credential: Credential | undefined;
}

/** Tells who calls: once the request has come, and before anything of it is decoded. */
export class Identities {
  readonly #findCaller: (credential: Credential) => KnownCaller | undefined;
  /** Of connections: a certificate is read once. */
  readonly #certificates = new WeakMap<object, Shown>();
  /** Of connections: most show the same service token with each call, which is hashed once. */
  readonly #headers = new WeakMap<object, ReadHeader>();

  /** @param findCaller undefined where nobody is known by it; asked for each call, since what the operator says may change */
  constructor(findCaller: (credential: Credential) => KnownCaller | undefined) {
    this.#findCaller = findCaller;
  }

  /** @throws {SessionError} CALLER_UNKNOWN */
  callerOf(call: IdentifiedCall): KnownCaller {
    const credential = this.#credentialOf(call);
    const caller = credential === undefined ? undefined : this.#findCaller(credential);
    if (caller !== undefined) return caller;
    throw new SessionError(
      'CALLER_UNKNOWN',
      'the caller is not known: send authorization: Bearer and a service token, or connect with a client certificate',
    );
  }

  /** Undefined where there is something that is no credential: it is not looked past. */
  #credentialOf(call: IdentifiedCall): Credential | undefined {
    const headers = call.metadata.get('authorization');
    const connection = streamOf(call)?.session;
    if (headers.length > 0) return headers.length === 1 ? this.#read(String(headers[0]), connection) : undefined;
    const known = connection === undefined ? undefined : this.#certificates.get(connection);
    const shown = known ?? certificateOf(call);
    if (known === undefined && connection !== undefined) this.#certificates.set(connection, shown);
    // Connections may outlast a certificate, and resumed sessions of TLS do not look at its end again.
    return shown.untilMs < Date.now() ? NOTHING_SHOWN : shown.credential;
  }

  #read(header: string, connection: object | undefined): Credential | undefined {
    const known = connection === undefined ? undefined : this.#headers.get(connection);
    if (known?.header === header) return known.credential;
    const credential = readAuthorization(header);
    if (connection !== undefined) this.#headers.set(connection, { header, credential });
    return credential;
  }
}

function certificateOf(call: IdentifiedCall): Shown {
  // Set only where the certificate was verified against the client CA.
  const certificate = call.getAuthContext().sslPeerCertificate;
  if (certificate?.subjectaltname === undefined)
    return { credential: NOTHING_SHOWN, untilMs: Number.POSITIVE_INFINITY };
  return { credential: readAlternativeNames(certificate.subjectaltname), untilMs: Date.parse(certificate.valid_to) };
}
