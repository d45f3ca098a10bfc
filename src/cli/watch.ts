import type { Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import type { Connector } from '../client/connection.ts';
import { RevocationStream } from '../client/revocation_stream.ts';
import type { RevocationStreamEvent } from '../client/watch_events.ts';
import { ConfigError, type Environment, readGrpcAddress } from '../config.ts';
import { connectorOf, type WatchTlsFiles } from './watch_connection.ts';
import { fieldsOf, isoTime, textOf, type WatchReport } from './watch_report.ts';

/** What is older does not show revocations as they come any more. */
const FRESH_MS = 5_000;

const LOOK_MS = 1_000;

/** What `watch` was asked for. */
export interface WatchArguments {
  /** `host:port`. */
  readonly address: string;
  /** Empty = all that the caller may see. */
  readonly tenantIds: readonly string[];
  /** Null = no TLS. */
  readonly tls: WatchTlsFiles | null;
  /** Lines of JSON, in place of text. */
  readonly json: boolean;
  /** Show what was in force before, one by one. */
  readonly snapshot: boolean;
}

/**
 * Reads `[--json] [--snapshot] [--tenant ID]... [--ca FILE [--cert FILE --key FILE]] [ADDRESS]`; null where that is not what
 * the arguments are.
 *
 * @param environment whose GRPC_ADDRESS goes where no ADDRESS is given
 * @throws {ConfigError} where that is needed and is no address
 */
export function readWatchArguments(args: readonly string[], environment: Environment): WatchArguments | null {
  const parsed = parse(args);
  if (parsed === null || parsed.positionals.length > 1) return null;
  const { json, snapshot, tenant, ca, cert, key } = parsed.values;
  if ((cert === undefined) !== (key === undefined) || (cert !== undefined && ca === undefined)) return null;
  const tls = ca === undefined ? null : { ca, cert, key };
  const [given] = parsed.positionals;
  try {
    const address = readGrpcAddress(given === undefined ? environment : { GRPC_ADDRESS: given });
    return { address, tenantIds: tenant, tls, json, snapshot };
  } catch (error) {
    if (given !== undefined && error instanceof ConfigError) return null;
    throw error;
  }
}

/**
 * Prints revocations until it is told to stop, or nobody reads `output` any more. Returns the exit code, 0.
 *
 * @param environment whose SERVICE_TOKEN, if there is one, the caller proves itself by
 * @throws {ConfigError} where that can not be sent there, which says nothing of it
 * @throws {Error} where a file can not be used, or the service refuses the request for good
 */
export async function runWatch(
  args: WatchArguments,
  environment: Environment,
  output: Writable,
  stop: Promise<unknown>,
): Promise<number> {
  const watch = new Watch(args, connectorOf(args.address, args.tls, environment['SERVICE_TOKEN'] ?? ''), output);
  try {
    await Promise.race([watch.ended, stop]);
  } finally {
    watch.close();
  }
  return 0;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        snapshot: { type: 'boolean', default: false },
        tenant: { type: 'string', multiple: true, default: [] },
        ca: { type: 'string' },
        cert: { type: 'string' },
        key: { type: 'string' },
      },
    });
  } catch {
    return null;
  }
}

class Watch {
  /** Rejects where the service refuses; resolves where `output` is read no longer. */
  readonly ended: Promise<void>;
  readonly #args: WatchArguments;
  readonly #output: Writable;
  readonly #stream: RevocationStream;
  readonly #timer: NodeJS.Timeout;
  #refuse!: (error: Error) => void;
  #snapshotCount = 0;
  #isConnected = true;
  /** Null before the first checkpoint. */
  #isFresh: boolean | null = null;

  constructor(args: WatchArguments, connector: Connector, output: Writable) {
    this.#args = args;
    this.#output = output;
    this.ended = new Promise((resolve, reject) => {
      this.#refuse = reject;
      output.on('error', (error: NodeJS.ErrnoException) => (error.code === 'EPIPE' ? resolve() : reject(error)));
    });
    const options = { connector, tenantIds: args.tenantIds, subscriberId: 'session-authority watch' };
    this.#stream = new RevocationStream(options, (event) => this.#onEvent(event));
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#stream.close();
  }

  #onEvent(event: RevocationStreamEvent): void {
    switch (event.kind) {
      case 'opened':
      case 'reset':
        this.#isConnected = true;
        this.#snapshotCount = 0;
        this.#print(event);
        return;
      case 'revocations':
        this.#onRevocations(event);
        return;
      case 'snapshot_complete':
        this.#print({ ...event, count: this.#snapshotCount });
        return;
      case 'unknown_scope':
        this.#print(event);
        return;
      case 'checkpoint':
        this.#isFresh ??= true;
        this.#print(event);
        this.#look();
        return;
      case 'disconnected':
        // Attempts that fail one after the other are one disconnection to people.
        if (this.#isConnected || this.#args.json) this.#print(event);
        this.#isConnected = false;
        return;
      case 'refused':
        this.#print(event);
        this.#refuse(new Error(`the service refuses to be watched: ${event.refusal.text}`));
        return;
    }
  }

  #onRevocations({ revocations, isSnapshot }: Extract<RevocationStreamEvent, { kind: 'revocations' }>): void {
    if (isSnapshot) this.#snapshotCount += revocations.length;
    if (isSnapshot && !this.#args.snapshot) return;
    for (const revocation of revocations) this.#print({ kind: 'revocation', revocation, isSnapshot });
  }

  #look(): void {
    const { ageMs } = this.#stream;
    const isFresh = ageMs <= FRESH_MS;
    if (this.#isFresh === null || this.#isFresh === isFresh) return;
    this.#isFresh = isFresh;
    this.#print({ kind: isFresh ? 'fresh' : 'stale', ageMs });
  }

  #print(report: WatchReport): void {
    const line = this.#args.json ? jsonLine(report) : textLine(report);
    if (line !== '') this.#output.write(`${line}\n`);
  }
}

function jsonLine(report: WatchReport): string {
  return JSON.stringify({ time: isoTime(Date.now()), event: report.kind, ...fieldsOf(report) });
}

/** A revocation is shown with its own time. What a terminal would obey, or show in another order, is spelled out. */
function textLine(report: WatchReport): string {
  const text = textOf(report);
  if (text === '') return '';
  const timeMs = report.kind === 'revocation' ? report.revocation.revokeTimeMs : Date.now();
  const plain = text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`);
  return `${isoTime(timeMs)} ${plain}`;
}
