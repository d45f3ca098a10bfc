import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { Log } from '../telemetry/log.ts';
import type { TlsFiles } from './listener_options.ts';
import { type NamedFile, ReloadedFiles } from './reloaded_file.ts';

/** What listeners show, and what client certificates are held against; it follows the files. */
export interface Tls {
  readonly context: ReloadedFiles<TlsContext>;
  readonly asksForClientCertificate: boolean;
  close(): void;
}

/** What a handshake of TLS takes. */
export interface TlsContext extends SecureContextOptions {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Where there is none no client certificate is asked for: public authorities never stand in for it. */
  readonly ca?: Buffer;
}

/** How long a peer may take over its handshake. */
export const TLS_HANDSHAKE_TIMEOUT_MS = 10_000;

/** How long ahead the end of a certificate is told. */
const EXPIRY_NOTICE_MS = 14 * 24 * 60 * 60_000;
const DAY_MS = 24 * 60 * 60_000;
const HOUR_MS = 60 * 60_000;

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Reads the files and follows them. Warns of a certificate that has expired or soon will, at once and daily.
 *
 * @throws {Error} of one line that names the variable, where a file can not be read or does not fit the others
 */
export function openTls(files: TlsFiles, log: Log): Tls {
  const named: NamedFile[] = [
    { variable: 'TLS_CERT_FILE', path: files.cert },
    { variable: 'TLS_KEY_FILE', path: files.key },
  ];
  if (files.clientCa !== null) named.push({ variable: 'TLS_CLIENT_CA_FILE', path: files.clientCa });
  const context = new ReloadedFiles({ files: named, parse: tlsContext }, log);
  const expiry = new ExpiryNotice(log);
  expiry.check(context.value);
  context.onChange((changed) => {
    log.info('certificate taken', { task: 'TLS_CERT_FILE' });
    expiry.check(changed);
  });
  const timer = setInterval(() => expiry.check(context.value), HOUR_MS);
  timer.unref();
  return {
    context,
    asksForClientCertificate: files.clientCa !== null,
    close: () => {
      clearInterval(timer);
      context.close();
    },
  };
}

/**
 * Of what TLS_CERT_FILE, TLS_KEY_FILE and TLS_CLIENT_CA_FILE hold, the last of which may be missing.
 *
 * @throws {Error} that names the variable at fault
 */
function tlsContext([cert, key, ca]: readonly Buffer[]): TlsContext {
  if (cert === undefined || key === undefined) throw new Error('TLS_CERT_FILE and TLS_KEY_FILE are both needed');
  const [first] = certificatesOf('TLS_CERT_FILE', cert);
  if (!first?.checkPrivateKey(privateKeyOf(key))) {
    throw new Error(
      'TLS_KEY_FILE: is not the key of the certificate in TLS_CERT_FILE; give the two that belong together',
    );
  }
  if (ca !== undefined) certificatesOf('TLS_CLIENT_CA_FILE', ca);
  const context = { cert, key, ...(ca === undefined ? {} : { ca }), minVersion: 'TLSv1.2' } as const;
  try {
    createSecureContext(context);
  } catch (error) {
    // As of a key that is too short to be safe.
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new Error(`TLS_CERT_FILE: can not be used (${code}); give another certificate`, { cause: error });
  }
  return context;
}

function certificatesOf(variable: string, pem: Buffer): X509Certificate[] {
  try {
    const found = (pem.toString('latin1').match(PEM_CERTIFICATE) ?? []).map((text) => new X509Certificate(text));
    if (found.length > 0) return found;
  } catch {
    // What a parser says of bytes that are none of its own helps nobody.
  }
  throw new Error(`${variable}: holds no certificate, or a broken one; give certificates in PEM`);
}

function privateKeyOf(pem: Buffer): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new Error('TLS_KEY_FILE: holds no private key; give one in PEM, without a passphrase');
  }
}

/** Says, at most once a day for each certificate, that it has expired or soon will. */
class ExpiryNotice {
  readonly #log: Log;
  #told = { fingerprint: '', time: 0 };

  constructor(log: Log) {
    this.#log = log;
  }

  check({ cert }: TlsContext): void {
    const { validTo, fingerprint256: fingerprint } = new X509Certificate(cert);
    const now = Date.now();
    const leftMs = Date.parse(validTo) - now;
    const wasTold = this.#told.fingerprint === fingerprint && now - this.#told.time < DAY_MS;
    if (leftMs > EXPIRY_NOTICE_MS || wasTold) return;
    this.#told = { fingerprint, time: now };
    const message = leftMs > 0 ? 'the certificate expires soon; replace it' : 'the certificate has expired; replace it';
    this.#log.warn(message, { task: 'TLS_CERT_FILE', expireTime: new Date(validTo).toISOString() });
  }
}
