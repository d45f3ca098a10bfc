import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from '../client/client_types.ts';
import { Connector } from '../client/connection.ts';
import { ConfigError } from '../config.ts';

/** Files in PEM. */
export interface WatchTlsFiles {
  /** Of the authorities by one of which the service's certificate must be signed. */
  readonly ca: string;
  /** Of the caller's own certificate, and of its key; both or none. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/**
 * The way to a service.
 *
 * @param address `host:port`
 * @param serviceToken empty = none
 * @throws {ConfigError} where the token can not be sent there, which says nothing of it
 * @throws {Error} where a file can not be used
 */
export function connectorOf(address: string, tls: WatchTlsFiles | null, serviceToken: string): Connector {
  const options: ConnectionOptions = {
    target: `dns:///${address}`,
    ...(tls !== null && { tls: readTls(tls) }),
    ...(serviceToken !== '' && { serviceToken }),
  };
  try {
    return new Connector(options);
  } catch (error) {
    const { message } = error as Error;
    // Of the token it speaks as of an option of the client's.
    if (error instanceof TypeError) throw new ConfigError([message.replace('serviceToken', 'SERVICE_TOKEN')]);
    throw new Error('--cert, --key: are not a certificate and its key; give both in PEM', { cause: error });
  }
}

function readTls({ ca, cert, key }: WatchTlsFiles): NonNullable<ConnectionOptions['tls']> {
  const rootCerts = readFile('--ca', ca);
  // The library takes what is none, and then believes no certificate at all.
  if (firstCertificate(rootCerts) === null) throw new Error(`--ca: no certificate is in ${ca}; give one in PEM`);
  if (cert === undefined || key === undefined) return { rootCerts };
  return { rootCerts, clientCert: readFile('--cert', cert), clientKey: readFile('--key', key) };
}

function firstCertificate(pem: Buffer): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    return null;
  }
}

function readFile(option: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    throw new Error(`${option}: can not read ${path} (${code})`, { cause });
  }
}
