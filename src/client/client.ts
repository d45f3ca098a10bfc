import { Calls, closedError } from './calls.ts';
import type {
  BegunSession,
  JsonWebKeySet,
  OpaqueTokens,
  PairTokens,
  RefreshedSession,
  RevocationSubscription,
  RevokedSession,
  RevokedSessions,
  Session,
  SessionPage,
  UpdatedSession,
  Validation,
} from './client_answers.ts';
import type {
  CallOptions,
  ConnectionOptions,
  CreateSessionRequest,
  GetSessionRequest,
  ListSessionsRequest,
  RefreshSessionRequest,
  RevokeSessionRequest,
  RevokeSessionsRequest,
  RotateSessionRequest,
  UpdateSessionRequest,
  ValidateSessionRequest,
  WatchRevocationsRequest,
} from './client_types.ts';
import { Connector } from './connection.ts';
import {
  fromBegun,
  fromJwks,
  fromPage,
  fromRefreshed,
  fromRevoked,
  fromRevokedMany,
  fromSession,
  fromUpdated,
  fromValidation,
} from './convert_answer.ts';
import {
  toBatchRequest,
  toCreateRequest,
  toGetRequest,
  toListRequest,
  toRefreshRequest,
  toRevokeManyRequest,
  toRevokeRequest,
  toRotateRequest,
  toUpdateRequest,
  toValidateRequest,
} from './convert_request.ts';
import { RevocationStream } from './revocation_stream.ts';
import type { RevocationStreamEvent } from './watch_events.ts';

/**
 * The service's RPCs as promises of plain objects. A call takes at most 5 s unless told otherwise, and is repeated within
 * that, on another target where there are several, where the service was not reached or its answer was lost and a repeat
 * is safe.
 *
 * Every call rejects with a SessionError where the service refuses it, with a CallError where it does not answer, and with
 * the signal's reason where the caller ends it.
 *
 * @example
 * const authority = new SessionAuthorityClient({ target: '127.0.0.1:50051' });
 * const { session, tokens } = await authority.createSession({ userId: 'alice', claims: { role: 'admin' } });
 */
export class SessionAuthorityClient {
  readonly #connector: Connector;
  readonly #calls: Calls;
  readonly #streams = new Set<RevocationStream>();
  #isClosed = false;

  /**
   * Connects with the first call.
   *
   * @throws {TypeError} where the options are no way to reach the service, or would send the service token in the clear
   */
  constructor(options: ConnectionOptions) {
    this.#connector = new Connector(options);
    this.#calls = new Calls(this.#connector);
  }

  /** Opens a session for a user whom the caller has authenticated, or for nobody yet. */
  createSession(
    request: CreateSessionRequest & { readonly tokenMode: 'opaque' },
    options?: CallOptions,
  ): Promise<BegunSession<OpaqueTokens>>;
  createSession(
    request?: CreateSessionRequest & { readonly tokenMode?: 'pair' | undefined },
    options?: CallOptions,
  ): Promise<BegunSession<PairTokens>>;
  createSession(request: CreateSessionRequest, options?: CallOptions): Promise<BegunSession>;
  async createSession(request: CreateSessionRequest = {}, options: CallOptions = {}): Promise<BegunSession> {
    return fromBegun(await this.#calls.call('CreateSession', toCreateRequest(request), options));
  }

  /**
   * Exchanges a refresh token for the next pair. REFRESH_TOKEN_REUSED means that the token was stolen, or spent long ago:
   * the session has ended.
   */
  async refreshSession(request: RefreshSessionRequest, options: CallOptions = {}): Promise<RefreshedSession> {
    return fromRefreshed(await this.#calls.call('RefreshSession', toRefreshRequest(request), options));
  }

  /** Tells whether a credential is good now. One that is not is an answer, not an error. */
  async validateSession(request: ValidateSessionRequest, options: CallOptions = {}): Promise<Validation> {
    return fromValidation(await this.#calls.call('ValidateSession', toValidateRequest(request), options));
  }

  /** The same for up to 256 credentials at once; answers in the order of the requests. */
  async validateSessions(
    requests: readonly ValidateSessionRequest[],
    options: CallOptions = {},
  ): Promise<readonly Validation[]> {
    const { responses } = await this.#calls.call('BatchValidateSessions', toBatchRequest(requests), options);
    return responses.map(fromValidation);
  }

  /** Reads a session, whatever its state, until it is purged. */
  async getSession(request: GetSessionRequest, options: CallOptions = {}): Promise<Session> {
    const { session } = await this.#calls.call('GetSession', toGetRequest(request), options);
    return fromSession(session);
  }

  /** Lists one page of a user's sessions, newest first. */
  async listSessions(request: ListSessionsRequest, options: CallOptions = {}): Promise<SessionPage> {
    return fromPage(await this.#calls.call('ListSessions', toListRequest(request), options));
  }

  /** All of a user's sessions, newest first, page by page as they are read. The deadline is each page's. */
  async *listAllSessions(
    request: Omit<ListSessionsRequest, 'pageToken'>,
    options: CallOptions = {},
  ): AsyncGenerator<Session, void, undefined> {
    let pageToken = '';
    do {
      const { sessions, nextPageToken } = await this.listSessions({ ...request, pageToken }, options);
      yield* sessions;
      pageToken = nextPageToken;
    } while (pageToken !== '');
  }

  /**
   * Changes what the request sets. ETAG_MISMATCH means that nothing was changed; where an answer was lost and that cannot be
   * told, the call rejects as unanswered.
   */
  async updateSession(request: UpdateSessionRequest, options: CallOptions = {}): Promise<UpdatedSession> {
    return fromUpdated(await this.#calls.call('UpdateSession', toUpdateRequest(request), options));
  }

  /** Gives a session a new id and new tokens, of its own kind, after a change of privilege; the old id is revoked. */
  async rotateSession(request: RotateSessionRequest, options: CallOptions = {}): Promise<BegunSession> {
    return fromBegun(await this.#calls.call('RotateSession', toRotateRequest(request), options));
  }

  /** Ends one session. When this resolves the revocation is durable. */
  async revokeSession(request: RevokeSessionRequest, options: CallOptions = {}): Promise<RevokedSession> {
    return fromRevoked(await this.#calls.call('RevokeSession', toRevokeRequest(request), options));
  }

  /** Ends all sessions of a user, a client or a tenant. When this resolves the revocation is durable. */
  async revokeSessions(request: RevokeSessionsRequest, options: CallOptions = {}): Promise<RevokedSessions> {
    return fromRevokedMany(await this.#calls.call('RevokeSessions', toRevokeManyRequest(request), options));
  }

  /** The public keys that verify access tokens. */
  async getJwks(options: CallOptions = {}): Promise<JsonWebKeySet> {
    const { jwksJson } = await this.#calls.call('GetJwks', {}, options);
    return fromJwks(jwksJson);
  }

  /**
   * Subscribes to revocations over a connection of its own, which is made again whenever it is lost; nothing is missed in
   * between.
   *
   * @param onEvent must not throw; what it was called with counts as applied. Not called before this returns
   * @throws {CallError} where the client is closed
   */
  watchRevocations(
    { tenantIds = [], subscriberId = '' }: WatchRevocationsRequest,
    onEvent: (event: RevocationStreamEvent) => void,
  ): RevocationSubscription {
    if (this.#isClosed) throw closedError();
    const stream = new RevocationStream({ connector: this.#connector, tenantIds, subscriberId }, (event) => {
      if (event.kind === 'refused') this.#streams.delete(stream);
      onEvent(event);
    });
    this.#streams.add(stream);
    return {
      get ageMs() {
        return stream.ageMs;
      },
      close: () => {
        this.#streams.delete(stream);
        stream.close();
      },
    };
  }

  /** Ends all connections at once, with all calls and subscriptions in progress. */
  close(): void {
    this.#isClosed = true;
    this.#calls.close();
    for (const stream of this.#streams) stream.close();
    this.#streams.clear();
  }
}
