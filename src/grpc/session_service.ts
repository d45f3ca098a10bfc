import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import type { KnownCaller } from '../access/callers.ts';
import { admit } from '../access/gate.ts';
import type { RequestOf, Rpc } from '../access/policy.ts';
import type { CallerRates } from '../access/rates.ts';
import type { AuditRecord } from '../domain/audit.ts';
import type { SessionAuthority } from '../domain/authority.ts';
import { LIMITS } from '../domain/limits.ts';
import { isUuid } from '../domain/session_id.ts';
import type { Validation } from '../domain/validate.ts';
import type { RevocationWatch } from '../domain/watch.ts';
import type { WatchFrame } from '../domain/watch_frames.ts';
import { invalidField, SessionError, type SessionErrorCode } from '../error.ts';
import type {
  SessionServiceDefinition,
  SessionServiceHandlers,
} from '../wire/gen/sessionauthority/v1/SessionService.ts';
import type { ValidateSessionResponse } from '../wire/gen/sessionauthority/v1/ValidateSessionResponse.ts';
import { loadSessionService } from '../wire/loader.ts';
import {
  toCreateRequest,
  toGetRequest,
  toRefreshRequest,
  toRevokeManyRequest,
  toRevokeRequest,
  toRotateRequest,
  toUpdateRequest,
  toValidateRequest,
} from './convert_request.ts';
import { fromWatchFrame } from './convert_watch.ts';
import { fromBegun, fromRecord, fromRefreshed } from './convert_response.ts';
import { encodeValidation } from './encode_validation.ts';
import { Fields } from './fields.ts';
import type { IdentifiedCall, Identities } from './identity.ts';
import { isFull, listPage, validateBatch } from './many_sessions.ts';
import { toServiceError } from './status.ts';
import { serveWatch } from './watch_streams.ts';

/** What the handlers are made of. */
export interface ServiceParts {
  readonly authority: SessionAuthority;
  readonly watch: RevocationWatch;
  readonly jwksJson: () => string;
  readonly identities: Identities;
  readonly rates: CallerRates;
  readonly audit: (record: AuditRecord) => void;
  /** Told of faults, never of refusals; the caller of the RPC learns nothing of them. */
  readonly onFault: (rpc: string, error: SessionError) => void;
  /** Told of watch streams that the service ended for a reason. */
  readonly onStreamEnded: (subscriberId: string, reason: SessionError) => void;
}

/** A frame of WatchRevocations as it is on the wire. */
export function encodeWatchFrame(frame: WatchFrame): Buffer {
  return WATCH_SERIALIZE(fromWatchFrame(frame));
}

const WATCH_SERIALIZE = loadSessionService().WatchRevocations.responseSerialize;

/** Reasons of which the audit is told. */
const DENIALS: ReadonlySet<SessionErrorCode> = new Set<SessionErrorCode>([
  'CALLER_UNKNOWN',
  'CALLER_NOT_ALLOWED',
  'RATE_LIMITED',
  'USER_BLOCKED',
  'SESSION_LIMIT',
]);

/** The contract, with requests left for the handler to decode, who knows of their caller first, and what it encodes taken as bytes. */
export function sessionServiceDefinition(): SessionServiceDefinition {
  const definition = loadSessionService();
  for (const method of Object.values(definition)) method.requestDeserialize = (bytes: Buffer) => bytes as never;
  // One that goes to many subscribers is encoded once, as is much of what is answered for a token each time.
  for (const method of [definition.WatchRevocations, definition.ValidateSession]) {
    method.responseSerialize = (encoded: unknown) => encoded as Buffer;
  }
  return definition;
}

export function sessionServiceHandlers(service: ServiceParts): SessionServiceHandlers {
  const { authority, watch, jwksJson, onStreamEnded } = service;
  const unary = unaryOf(service);
  return {
    CreateSession: unary('CreateSession', async (wire, caller) =>
      fromBegun(await authority.create(toCreateRequest(wire), caller)),
    ),
    RefreshSession: unary('RefreshSession', async (wire, caller) =>
      fromRefreshed(await authority.refresh(toRefreshRequest(wire), caller)),
    ),
    ValidateSession: unary('ValidateSession', (wire, caller, deadlineMs) => {
      const fields = new Fields();
      const request = toValidateRequest(wire, fields);
      fields.check();
      const validation = authority.validate(request, caller, deadlineMs);
      const encode = (known: Validation) => encodeValidation(known, isFull(wire)) as unknown as ValidateSessionResponse;
      return validation instanceof Promise ? validation.then(encode) : encode(validation);
    }),
    BatchValidateSessions: unary('BatchValidateSessions', (wire, caller, deadlineMs) =>
      validateBatch(authority, wire, caller, deadlineMs),
    ),
    GetSession: unary('GetSession', async (wire, caller) => ({
      session: fromRecord(await authority.get(toGetRequest(wire), caller), isFull(wire)),
    })),
    ListSessions: unary('ListSessions', (wire, caller) => listPage(authority, wire, caller)),
    UpdateSession: unary('UpdateSession', async (wire, caller) => {
      const { record, consistencyToken } = await authority.update(toUpdateRequest(wire), caller);
      return { session: fromRecord(record, false), ...(consistencyToken !== null && { consistencyToken }) };
    }),
    RotateSession: unary('RotateSession', async (wire, caller) =>
      fromBegun(await authority.rotate(toRotateRequest(wire), caller)),
    ),
    RevokeSession: unary('RevokeSession', async (wire, caller) => {
      const { revoked, consistencyToken } = await authority.revoke(toRevokeRequest(wire), caller);
      return { revoked, ...(consistencyToken !== null && { consistencyToken }) };
    }),
    RevokeSessions: unary('RevokeSessions', async (wire, caller) => {
      const { count, consistencyToken } = await authority.revokeMany(toRevokeManyRequest(wire), caller);
      return {
        ...(count !== null && { sessionCount: count }),
        ...(consistencyToken !== null && { consistencyToken }),
      };
    }),
    GetJwks: unary('GetJwks', async () => ({ jwksJson: jwksJson() })),
    WatchRevocations: (call) => {
      const asked: Asked<'WatchRevocations'> = {
        rpc: 'WatchRevocations',
        peer: () => call.getPeer(),
        caller: null,
        request: null,
      };
      try {
        const { caller, request } = letIn(service, asked, call);
        // It is about no one, and would be kept as long as the stream.
        asked.request = null;
        serveWatch(watch, call, request, caller, (subscriberId, reason) => {
          onStreamEnded(subscriberId, refusal(service, asked, reason));
        });
      } catch (thrown) {
        call.emit('error', toServiceError(refusal(service, asked, thrown)));
      }
    },
  };
}

type UnaryHandler<I, O> = (call: ServerUnaryCall<I, O>, answer: sendUnaryData<O>) => void;

/** A handler from a function of the request: refusals become statuses, faults INTERNAL and a line in the log. */
function unaryOf(service: ServiceParts) {
  const { rates } = service;
  return <R extends Rpc, O>(
    rpc: R,
    handle: (wire: RequestOf<R>, caller: KnownCaller, deadlineMs: number) => O | Promise<O>,
  ): UnaryHandler<RequestOf<R>, O> =>
    (call, answer) => {
      const asked: Asked<R> = { rpc, peer: () => call.getPeer(), caller: null, request: null };
      let leave: (() => void) | null = null;
      const finish = (response: O) => {
        leave?.();
        answer(null, response);
      };
      const fail = (thrown: unknown) => {
        leave?.();
        answer(toServiceError(refusal(service, asked, thrown)));
      };
      try {
        const { caller, request } = letIn(service, asked, call);
        leave = rates.enter(caller);
        const response = handle(request, caller, deadlineOf(call.getDeadline()));
        if (response instanceof Promise) response.then(finish, fail);
        else finish(response);
      } catch (thrown) {
        fail(thrown);
      }
    };
}

/** What is known of a call so far. */
interface Asked<R extends Rpc = Rpc> {
  readonly rpc: R;
  /** Its address, and port. */
  readonly peer: () => string;
  caller: KnownCaller | null;
  request: RequestOf<R> | null;
}

const DEFINITION = loadSessionService();

/** Tells who asks, and what; nothing is decoded of one that nobody known sent. */
function letIn<R extends Rpc>(
  { identities, rates }: ServiceParts,
  asked: Asked<R>,
  call: IdentifiedCall & { readonly request: unknown },
): { readonly caller: KnownCaller; readonly request: RequestOf<R> } {
  const caller = identities.callerOf(call);
  asked.caller = caller;
  const request = decoded(rates, asked.rpc, caller, call.request as Buffer);
  asked.request = request;
  admit(rates, caller, asked.rpc, request);
  return { caller, request };
}

function decoded<R extends Rpc>(rates: CallerRates, rpc: R, caller: KnownCaller, bytes: Buffer): RequestOf<R> {
  try {
    return DEFINITION[rpc].requestDeserialize(bytes) as RequestOf<R>;
  } catch {
    rates.charge(caller, 1);
    throw invalidField('request', 'does not decode as its message');
  }
}

/** What a caller is told; of a fault the log is told more, and of a denial the audit. */
function refusal({ onFault, audit }: ServiceParts, asked: Asked, thrown: unknown): SessionError {
  const { rpc, caller } = asked;
  const error = SessionError.from(thrown);
  if (error.cause !== undefined || error.code === 'INTERNAL') onFault(rpc, error);
  if (DENIALS.has(error.code)) {
    const by = caller === null ? { caller: '', peer: asked.peer() } : { caller: caller.name };
    audit({ action: 'denied', ...by, rpc, reason: error.code, ...subjectOfDenied(asked.request) });
  }
  return error;
}

/** Whom a denied request was about, as far as it says so in a few words; nothing of it has been checked. */
function subjectOfDenied(request: unknown): Pick<AuditRecord, 'tenantId' | 'userId' | 'requestId'> {
  const { tenantId, userId, requestId } =
    ((typeof request === 'object' ? request : null) as Readonly<Record<string, unknown>> | null) ?? {};
  const short = (value: unknown, maxBytes: number) =>
    typeof value === 'string' && Buffer.byteLength(value) <= maxBytes ? value : '';
  const [user, id] = [
    short(userId, LIMITS.userId),
    typeof requestId === 'string' && isUuid(requestId) ? requestId : '',
  ];
  return {
    tenantId: short(tenantId, LIMITS.tenantId),
    ...(user !== '' && { userId: user }),
    ...(id !== '' && { requestId: id }),
  };
}

/** Milliseconds since the epoch; infinite where the caller set none. */
function deadlineOf(deadline: Date | number): number {
  return typeof deadline === 'number' ? deadline : deadline.getTime();
}
