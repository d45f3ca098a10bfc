import { pino } from 'pino';
import { ConfigError, type LogLevel } from '../config.ts';
import { SessionError } from '../error.ts';

/** All that a log line may say besides its message; what is not named here is not written. */
export interface LogFields {
  readonly rpc?: string;
  /** Of work that no call asked for. */
  readonly task?: string;
  readonly store?: string;
  readonly signal?: string;
  readonly grpcPort?: number;
  readonly httpPort?: number;
  /** Of a certificate. */
  readonly expireTime?: string;
  readonly reason?: string;
  /** As a watch stream names itself. */
  readonly subscriberId?: string;
  readonly count?: number;
  /** What a sweep removed. */
  readonly sessions?: number;
  readonly requests?: number;
  readonly epochs?: number;
  readonly logEntries?: number;
  /** Whatever was thrown; written without what a driver adds to its errors. */
  readonly error?: unknown;
}

type Write = (message: string, fields?: LogFields) => void;

export interface Log {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
  readonly fatal: Write;
}

/** Takes whole lines, their line end included. */
export interface LogDestination {
  write(line: string): void;
}

interface LoggedError {
  readonly name: string;
  readonly code?: string | number;
  readonly message?: string;
  readonly stack?: string;
  readonly cause?: LoggedError;
}

const FIELDS: { readonly [F in keyof Required<LogFields>]: true } = {
  rpc: true,
  task: true,
  store: true,
  signal: true,
  grpcPort: true,
  httpPort: true,
  expireTime: true,
  reason: true,
  subscriberId: true,
  count: true,
  sessions: true,
  requests: true,
  epochs: true,
  logEntries: true,
  error: true,
};

/** How many causes beneath an error are written. */
const MAX_CAUSES = 4;

/** The language's own errors, but for SyntaxError: JSON.parse repeats what it was given. */
const JS_ERRORS: ReadonlySet<unknown> = new Set([
  Error.prototype,
  AggregateError.prototype,
  EvalError.prototype,
  RangeError.prototype,
  ReferenceError.prototype,
  TypeError.prototype,
  URIError.prototype,
]);

/** Refresh, session and service tokens, and JWTs, whole or cut off. */
const TOKEN = /sa[rsk]_[\w-]{8,}|eyJ[\w-]{8,}(?:\.[\w-]*)+/g;

/** A line without what looks like a token. */
export function redacted(line: string): string {
  return line.replace(TOKEN, '[redacted]');
}

/** Where nothing can be written, as on a full disk, lines are lost: nothing else is to end for that. */
export function standardOutput(): ReturnType<typeof pino.destination> {
  const stdout = pino.destination({ dest: 1, sync: true });
  stdout.on('error', () => {});
  return stdout;
}

/** A log of JSON lines on stdout, written before the call returns. */
export function createLog(level: LogLevel, destination: LogDestination = standardOutput()): Log {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: allowedFields },
      serializers: { error: loggedError },
      hooks: { streamWrite: redacted },
    },
    destination,
  );
  return {
    debug: (message, fields) => logger.debug(fields ?? {}, message),
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
    fatal: (message, fields) => logger.fatal(fields ?? {}, message),
  };
}

/** The type alone does not close the list: a variable of a wider type passes it. */
function allowedFields(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => Object.hasOwn(FIELDS, name)));
}

/** Name, code, frames and causes of any error, and the message of those that hold no values. */
function loggedError(thrown: unknown, causes = MAX_CAUSES): LoggedError {
  if (!(thrown instanceof Error)) return { name: thrown === null ? 'null' : typeof thrown };
  const code = 'code' in thrown ? identifier(thrown.code) : undefined;
  const stack = frames(thrown);
  return {
    name: identifier(thrown.name)?.toString() ?? 'Error',
    ...(code === undefined ? {} : { code }),
    ...(isMessageSafe(thrown) ? { message: thrown.message } : {}),
    ...(stack === '' ? {} : { stack }),
    ...(thrown.cause === undefined || causes === 0 ? {} : { cause: loggedError(thrown.cause, causes - 1) }),
  };
}

/**
 * Errors of ours, of a failed system call, and of the language. A code marks an error of a driver, even
 * where it is a plain Error as with SQLite; Node's own with a code may repeat an argument.
 */
function isMessageSafe(error: Error): boolean {
  if (error instanceof SessionError || error instanceof ConfigError) return true;
  if ('syscall' in error && 'code' in error) {
    const [syscall, code] = [String(error.syscall), String(error.code)];
    // A query builder puts the statement and its values before the message of what failed.
    return error.message.startsWith(`${syscall} ${code}`) || error.message.startsWith(`${code}: `);
  }
  return !('code' in error) && JS_ERRORS.has(Object.getPrototypeOf(error));
}

/** Names and codes are identifiers or numbers; anything else may be a value. */
function identifier(value: unknown): string | number | undefined {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^[\w.-]{1,64}$/.test(value) ? value : undefined;
}

/** The frames alone, since a stack begins with the message, of which a line may look like a frame. */
function frames({ stack, message }: { readonly stack?: unknown; readonly message: unknown }): string {
  if (typeof stack !== 'string' || typeof message !== 'string' || !stack.includes(message)) return '';
  const lines = stack.slice(stack.indexOf(message) + message.length).split('\n');
  const first = lines.findLastIndex((line) => !/^ {4}at /.test(line)) + 1;
  return lines
    .slice(first)
    .map((line) => line.trim())
    .join('\n');
}
