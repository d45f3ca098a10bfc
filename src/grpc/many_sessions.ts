import type { KnownCaller } from '../access/callers.ts';
import type { SessionAuthority } from '../domain/authority.ts';
import { LIMITS, MAX_MESSAGE_BYTES } from '../domain/limits.ts';
import { invalidField } from '../error.ts';
import type { BatchValidateSessionsRequest__Output } from '../wire/gen/sessionauthority/v1/BatchValidateSessionsRequest.ts';
import type { BatchValidateSessionsResponse } from '../wire/gen/sessionauthority/v1/BatchValidateSessionsResponse.ts';
import type { ListSessionsRequest__Output } from '../wire/gen/sessionauthority/v1/ListSessionsRequest.ts';
import type { ListSessionsResponse } from '../wire/gen/sessionauthority/v1/ListSessionsResponse.ts';
import { loadSessionService } from '../wire/loader.ts';
import { FULL_VIEW, toListRequest, toValidateRequest } from './convert_request.ts';
import { fromRecord, fromValidation, maxEncodedBytes, maxValidationBytes } from './convert_response.ts';
import { Fields } from './fields.ts';

/** Sessions in one message stay below this, so that the rest of the message has room. */
const SESSIONS_BUDGET_BYTES = MAX_MESSAGE_BYTES - 64 * 1024;

const encodedBatch = loadSessionService().BatchValidateSessions.responseSerialize;

/** Whether sessions are to be shown with their data. */
export function isFull(wire: { view: string }): boolean {
  return FULL_VIEW[wire.view] ?? false;
}

/** As many answers as there are requests, in their order. @throws {SessionError} INVALID_FIELD where they exceed one message */
export async function validateBatch(
  authority: SessionAuthority,
  { requests: wires }: BatchValidateSessionsRequest__Output,
  caller: KnownCaller,
  deadlineMs: number,
): Promise<BatchValidateSessionsResponse> {
  const fields = new Fields();
  if (wires.length > LIMITS.batchItems) fields.fault('requests', `more than ${LIMITS.batchItems} items`);
  fields.check();
  const requests = wires.map((wire, index) => toValidateRequest(wire, fields.within(`requests[${index}]`)));
  fields.check();
  const validations = await Promise.all(
    requests.map(async (request) => authority.validate(request, caller, deadlineMs)),
  );
  const full = (index: number) => FULL_VIEW[wires[index]?.view ?? ''] ?? false;
  const response = { responses: validations.map((validation, index) => fromValidation(validation, full(index))) };
  const bytes = validations.reduce((sum, validation, index) => sum + maxValidationBytes(validation, full(index)), 0);
  if (bytes > MAX_MESSAGE_BYTES && encodedBatch(response).length > MAX_MESSAGE_BYTES) {
    throw invalidField('requests', 'the answers exceed 1 MiB; ask for fewer sessions or claims in one call');
  }
  return response;
}

/** A page as full as the message allows, of at least one session. */
export async function listPage(
  authority: SessionAuthority,
  wire: ListSessionsRequest__Output,
  caller: KnownCaller,
): Promise<ListSessionsResponse> {
  const full = isFull(wire);
  const { records, more, tokenAfter } = await authority.list(toListRequest(wire), caller);
  let bytes = 0;
  const fitting = records.filter((record) => {
    bytes += maxEncodedBytes(record, full);
    return bytes <= SESSIONS_BUDGET_BYTES;
  });
  const last = fitting.at(-1);
  const isLastPage = last === undefined || (!more && fitting.length === records.length);
  return {
    sessions: fitting.map((record) => fromRecord(record, full)),
    nextPageToken: isLastPage ? '' : tokenAfter(last.session),
  };
}
