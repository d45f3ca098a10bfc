import { type Client, type ClientReadableStream, type StatusObject, status } from '@grpc/grpc-js';
import type { WatchRevocationsResponse__Output } from '../wire/gen/sessionauthority/v1/WatchRevocationsResponse.ts';
import { loadSessionService } from '../wire/loader.ts';
import type { CallStatus, Refusal } from './call_error.ts';
import { closeClient, type Connector } from './connection.ts';
import { DEFAULT_HEARTBEAT_MS, FrameReader } from './frame_reader.ts';
import { refusalOf } from './refusal.ts';
import { StreamDelay, ViewAge } from './view_age.ts';
import type { DisconnectReason, FrameEvent, RevocationStreamEvent } from './watch_events.ts';

/**
 * Beats without a frame that are tolerated: at the default heartbeat a stream is given up within 4 s, which leaves a second
 * to go on elsewhere before a view of 5 s is stale.
 */
const TOLERATED_BEATS = 3;

/** The same until the first frame, of the default heartbeat: a connection has to be made first. */
const TOLERATED_BEATS_AT_FIRST = 10;

/** A checkpoint that was on its way for longer is late; several in a row show a stream that stays behind, or a clock that was set. */
const LATE_MS = 5_000;

const MIN_HEARTBEAT_MS = 250;
const MAX_HEARTBEAT_MS = 10_000;

/** The bounds of what a random share is taken of before another attempt, doubled from one to the next. */
const MIN_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 10_000;

/** The longest that a service is obeyed that asks to wait. */
const MAX_WAIT_MS = 300_000;

/** What another attempt would be answered with again. */
const FINAL: ReadonlySet<CallStatus> = new Set([
  'INVALID_ARGUMENT',
  'UNIMPLEMENTED',
  'PERMISSION_DENIED',
  'UNAUTHENTICATED',
]);

export interface RevocationStreamOptions {
  readonly connector: Connector;
  /** Empty = every tenant that the service lets this subscriber see. */
  readonly tenantIds: readonly string[];
  /** Names the subscriber to the service's operators. */
  readonly subscriberId: string;
}

/** One connection with its one call. */
interface Connection {
  readonly client: Client;
  readonly stream: ClientReadableStream<WatchRevocationsResponse__Output>;
  beat: NodeJS.Timeout;
  silentBeats: number;
  toleratedBeats: number;
  lateCheckpoints: number;
  /** From the service's announcement that it ends this stream. */
  retryAfterMs: number | null;
}

const { WatchRevocations } = loadSessionService();

/**
 * Keeps one WatchRevocations stream up until it is closed or refused: connects, resumes behind what was handed out,
 * waits a random share of a growing time between attempts, and notices where frames stop coming.
 *
 * Every attempt has a connection of its own: one that is broken without a word would be used again, and a server that
 * ends its streams would be asked again.
 */
export class RevocationStream {
  readonly #options: RevocationStreamOptions;
  readonly #onEvent: (event: RevocationStreamEvent) => void;
  readonly #reader: FrameReader;
  readonly #age: ViewAge;
  readonly #delay = new StreamDelay();
  #connection: Connection | null = null;
  /** Of the next attempt, which goes elsewhere than the last; at first of any, so that subscribers are spread. */
  #target: number;
  #retry: NodeJS.Timeout | undefined;
  /** Attempts since the last checkpoint. */
  #attempts = 0;
  #isClosed = false;

  /**
   * Connects at once; no event comes before this returns.
   *
   * @param onEvent must not throw; what it was called with counts as applied, and is not sent again
   */
  constructor(options: RevocationStreamOptions, onEvent: (event: RevocationStreamEvent) => void) {
    this.#options = options;
    this.#onEvent = onEvent;
    this.#reader = new FrameReader(options.tenantIds);
    this.#age = new ViewAge(options.tenantIds);
    this.#target = Math.floor(randomShare(options.connector.targets.length));
    this.#connect();
  }

  /** How old, in ms, the newest proof is that every revocation that it is to bring was handed out; Infinity before the first. */
  get ageMs(): number {
    return this.#age.ms;
  }

  /** Ends the stream and its connection, without another event. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.#disconnect();
  }

  #connect(): void {
    const { connector, tenantIds, subscriberId } = this.#options;
    const { targets } = connector;
    const client = connector.open(targets[this.#target % targets.length] ?? '', { 'grpc.enable_retries': 0 });
    this.#target += 1;
    const { path, requestSerialize, responseDeserialize } = WatchRevocations;
    const request = { cursor: this.#reader.cursor, tenantIds: [...tenantIds], subscriberId };
    const stream = client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      connector.metadata(),
    );
    const connection: Connection = {
      client,
      stream,
      beat: setInterval(() => this.#onBeat(connection), DEFAULT_HEARTBEAT_MS),
      silentBeats: 0,
      toleratedBeats: TOLERATED_BEATS_AT_FIRST,
      lateCheckpoints: 0,
      retryAfterMs: null,
    };
    this.#connection = connection;
    this.#delay.restart();
    let ended: StatusObject | null = null;
    stream.on('data', (frame: WatchRevocationsResponse__Output) => this.#onFrame(connection, frame));
    stream.on('status', (last: StatusObject) => {
      ended = last;
    });
    // The status says the same.
    stream.on('error', () => {});
    // Comes behind the last frame, as the status may not.
    stream.on('end', () => this.#onEnd(connection, ended));
  }

  #disconnect(): void {
    if (this.#connection === null) return;
    const { client, stream, beat } = this.#connection;
    this.#connection = null;
    clearInterval(beat);
    stream.cancel();
    closeClient(client);
  }

  #onFrame(connection: Connection, frame: WatchRevocationsResponse__Output): void {
    if (connection !== this.#connection) return;
    connection.silentBeats = 0;
    this.#reader.read(frame, (event) => {
      if (this.#isClosed) return;
      switch (event.kind) {
        case 'opened':
          this.#keepTime(connection, event.heartbeatMs);
          this.#age.open(event.tenantIds);
          this.#onEvent(event);
          return;
        case 'checkpoint':
          this.#onCheckpoint(connection, event);
          return;
        case 'closing':
          connection.retryAfterMs = event.retryAfterMs;
          return;
        default:
          this.#onEvent(event);
      }
    });
  }

  #onCheckpoint(connection: Connection, checkpoint: Extract<FrameEvent, { kind: 'checkpoint' }>): void {
    this.#attempts = 0;
    const delayMs = this.#delay.of(checkpoint.asOfMs);
    const ageMs = checkpoint.stalenessMs + delayMs;
    this.#age.prove(ageMs);
    this.#onEvent({ ...checkpoint, ageMs });
    connection.lateCheckpoints = delayMs > LATE_MS ? connection.lateCheckpoints + 1 : 0;
    if (connection.lateCheckpoints <= TOLERATED_BEATS || connection !== this.#connection) return;
    this.#disconnect();
    this.#reconnect('delay', 'what comes has long been on its way');
  }

  #keepTime(connection: Connection, heartbeatMs: number): void {
    clearInterval(connection.beat);
    const ms = Math.min(Math.max(heartbeatMs, MIN_HEARTBEAT_MS), MAX_HEARTBEAT_MS);
    connection.beat = setInterval(() => this.#onBeat(connection), ms);
    connection.toleratedBeats = TOLERATED_BEATS;
  }

  /** Beats are counted, for a process that was held up has to read first what came meanwhile: it missed one beat only. */
  #onBeat(connection: Connection): void {
    connection.silentBeats += 1;
    if (connection.silentBeats <= connection.toleratedBeats) return;
    const { retryAfterMs } = connection;
    this.#disconnect();
    if (retryAfterMs === null) this.#reconnect('silence', 'no frame came for several heartbeats');
    else this.#reconnect('closing', CLOSING_TEXT, randomShare(retryAfterMs));
  }

  #onEnd(connection: Connection, last: StatusObject | null): void {
    if (connection !== this.#connection) return;
    const { retryAfterMs } = connection;
    this.#disconnect();
    if (retryAfterMs !== null) this.#reconnect('closing', CLOSING_TEXT, randomShare(retryAfterMs));
    else if (last === null || last.code === status.OK) this.#reconnect('broken', 'the service ended the stream');
    else this.#onRefusal(refusalOf(last));
  }

  #onRefusal(refusal: Refusal): void {
    const { reason, text, retryAfterMs } = refusal;
    if (reason === 'INVALID_TOKEN_PARAMETER' && this.#reader.cursor.length > 0) {
      this.#reader.dropCursor();
      this.#reconnect('cursor_refused', text);
    } else if (FINAL.has(refusal.status)) {
      this.close();
      this.#onEvent({ kind: 'refused', refusal });
    } else {
      const limited = refusal.status === 'RESOURCE_EXHAUSTED';
      this.#reconnect(limited ? 'rate_limited' : 'broken', text, retryAfterMs);
    }
  }

  /** Backs off besides what the service asks for: where all its subscribers come back, they come one by one. */
  #reconnect(reason: DisconnectReason, text: string, waitMs = 0): void {
    const backoffMs = Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** this.#attempts);
    // Beyond the maximum it would double on to what is no number any more.
    if (backoffMs < MAX_BACKOFF_MS) this.#attempts += 1;
    const retryMs = Math.ceil(Math.min(waitMs, MAX_WAIT_MS) + randomShare(backoffMs));
    this.#retry = setTimeout(() => this.#connect(), retryMs);
    this.#onEvent({ kind: 'disconnected', reason, text, retryMs });
  }
}

const CLOSING_TEXT = 'the service ends its streams';

function randomShare(ms: number): number {
  return Math.random() * ms;
}
