import { DatabaseError } from 'pg';
import { SessionError } from '../../error.ts';
import { locationText, type PostgresLocation } from './location.ts';

/** A server that takes no writes: a standby, or a primary that was made one. */
export class ReadOnlyServer extends Error {
  constructor() {
    super('the server takes no writes');
    this.name = 'ReadOnlyServer';
  }
}

/** Steps decide by what others have committed meanwhile, which stricter levels hide from them. */
export class WrongIsolation extends Error {
  constructor() {
    super('transactions are not read committed');
    this.name = 'WrongIsolation';
  }
}

/** The commit was acknowledged although the standby that it waits for has not confirmed it. */
export class NotReplicated extends Error {
  constructor() {
    super('the wait for the synchronous standby was cancelled');
    this.name = 'NotReplicated';
  }
}

/** What a failed step says to its caller, and to the log: what a driver adds to its errors may hold values. */
export function toSessionError(thrown: unknown): SessionError {
  if (thrown instanceof SessionError) return thrown;
  if (thrown instanceof NotReplicated) {
    const text = 'the standby did not confirm; what was asked may have happened, and may be undone by a failover';
    return new SessionError('NOT_REPLICATED', text, { cause: thrown });
  }
  return new SessionError(
    'STORE_UNAVAILABLE',
    'the store did not answer; what was asked may or may not have happened',
    { cause: withoutValues(thrown) },
  );
}

/** Whether the connection can not be used again: it broke, timed out, or leads to what it should not. */
export function breaksConnection(thrown: unknown): boolean {
  if (thrown instanceof SessionError) return false;
  if (!(thrown instanceof DatabaseError)) return true;
  const { code = '' } = thrown;
  return BREAKING.has(code) || code.startsWith('57P') || code.startsWith('08');
}

/** Whether the server rolled back what was asked, so that it can be asked again. */
export function isRolledBack(thrown: unknown): boolean {
  return (
    thrown instanceof DatabaseError && !(thrown.code ?? '').startsWith('57P') && !(thrown.code ?? '').startsWith('08')
  );
}

/** Whether the server turned out to be no primary. */
export function isReadOnly(thrown: unknown): boolean {
  return thrown instanceof ReadOnlyServer || (thrown instanceof DatabaseError && thrown.code === READ_ONLY);
}

/** Whether no server was spoken to: the host is gone, too busy to answer, or only just starting. */
export function isUnreachable(thrown: unknown): boolean {
  if (thrown instanceof DatabaseError) return thrown.code === STARTING;
  // The driver's own words where the pool is exhausted, which says nothing of the host.
  return !(thrown instanceof Error && thrown.message === 'timeout exceeded when trying to connect');
}

/** A server that takes no writes, and plans or statements of a schema that is no longer there. */
const BREAKING: ReadonlySet<string> = new Set(['25006', 'XX000', '0A000', '26000', '42P05', '42883', '42704']);
/** SQLSTATE cannot_connect_now. */
const STARTING = '57P03';
/** SQLSTATE read_only_sql_transaction. */
const READ_ONLY = '25006';

/** Why the store can not be used, in one line for the operator. */
export function explainFault(location: PostgresLocation, thrown: unknown): Error {
  const text = explanation(thrown);
  if (text === null) return thrown instanceof Error ? thrown : new Error(String(thrown));
  return new Error(`STORE_URL: can not use ${locationText(location)}: ${text}`, { cause: withoutValues(thrown) });
}

/** By SQLSTATE, or by the code of a failed system call or handshake. */
const EXPLANATIONS: Readonly<Record<string, string>> = {
  '28P01': 'the password is wrong',
  '28000': 'the server does not let this user in; see its pg_hba.conf',
  '3D000': 'there is no such database; create it, or name another',
  '42501': 'the user has not the rights that are needed',
  '53300': 'the server has no connection left; raise max_connections, or lower POSTGRES_POOL_SIZE',
  '57P03': 'the server is starting up or shutting down; try again',
  ECONNREFUSED: 'nothing listens there; is the server running?',
  ECONNRESET: 'the connection was cut',
  EAI_AGAIN: 'the host name can not be resolved now; is the name server reachable?',
  EHOSTUNREACH: 'the host can not be reached',
  ENETUNREACH: 'the network can not be reached',
  ENOENT: 'there is no such socket; is the server running?',
  ENOTFOUND: 'no host has that name',
  ETIMEDOUT: 'the host does not answer',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not signed by a known authority; name that one with sslrootcert',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not signed by a known authority; name that one with sslrootcert',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'its certificate is not signed by a known authority; name that one with sslrootcert',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not signed by a known authority; name that one with sslrootcert',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host name',
  CERT_HAS_EXPIRED: 'its certificate has expired',
};

/** The driver's errors without a code, by how they begin. */
const MESSAGES: readonly (readonly [string, string])[] = [
  ['The server does not support SSL connections', 'the server offers no TLS; leave sslmode out, or turn its ssl on'],
  ['timeout expired', 'the host does not answer'],
  ['Connection terminated due to connection timeout', 'the host does not answer'],
  ['Connection terminated unexpectedly', 'the server cut the connection'],
  ['Query read timeout', 'the server does not answer'],
  ['SASL: ', 'the password is wrong, or not given'],
];

function explanation(thrown: unknown): string | null {
  if (thrown instanceof ReadOnlyServer) return 'the server takes no writes; name the primary';
  if (thrown instanceof WrongIsolation) {
    return 'its transactions are not read committed; reset default_transaction_isolation of the role and the database';
  }
  if (!(thrown instanceof Error)) return null;
  const code = codeOf(thrown);
  if (code !== null && EXPLANATIONS[code] !== undefined) return EXPLANATIONS[code];
  if (thrown instanceof AggregateError) return explanation(thrown.errors[0]);
  const known = MESSAGES.find(([beginning]) => thrown.message.startsWith(beginning));
  if (known !== undefined) return known[1];
  if (thrown instanceof DatabaseError) return `the server refuses with SQLSTATE ${thrown.code}`;
  return code === null ? null : `it fails with ${code}`;
}

function codeOf(thrown: Error): string | null {
  return 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : null;
}

/** Of an error of the server only where it came from; the driver's own hold no values. */
function withoutValues(thrown: unknown): unknown {
  if (!(thrown instanceof DatabaseError)) return thrown;
  const { code, routine, constraint, table } = thrown;
  const parts = Object.entries({ routine, constraint, table }).filter(([, value]) => value !== undefined);
  const hint = POOLER.has(code ?? '') ? '; behind a pooler set POSTGRES_PREPARED_STATEMENTS=false' : '';
  return new Error(`SQLSTATE ${code}${parts.map(([name, value]) => `, ${name} ${value}`).join('')}${hint}`);
}

/** Of a prepared statement that is there twice, or not there. */
const POOLER: ReadonlySet<string> = new Set(['42P05', '26000']);
