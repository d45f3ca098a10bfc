import { join } from 'node:path';
import { runProgram, type ServerUser } from './process.ts';

/** Files of a certificate for `localhost` alone, and of the authority that signed it. */
export interface Certificate {
  readonly authority: string;
  readonly cert: string;
  readonly key: string;
}

/** Made by openssl in that folder, as files of that user. */
export async function issueCertificate(folder: string, user: ServerUser): Promise<Certificate> {
  const file = (name: string) => join(folder, name);
  const issue = (name: string, ...more: readonly string[]) => {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file(`${name}.key`)];
    const args = ['req', '-x509', ...key, '-out', file(`${name}.pem`), '-days', '2', '-subj', `/CN=${name}`, ...more];
    return runProgram('openssl', args, { user, cwd: folder });
  };
  await issue('authority');
  const byAuthority = ['-CA', file('authority.pem'), '-CAkey', file('authority.key')];
  const forServer = ['-addext', 'subjectAltName=DNS:localhost', '-addext', 'basicConstraints=CA:FALSE'];
  await issue('localhost', ...byAuthority, ...forServer);
  return { authority: file('authority.pem'), cert: file('localhost.pem'), key: file('localhost.key') };
}
