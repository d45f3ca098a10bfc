import { constants, type Http2Stream } from 'node:http2';
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { RevocationWatch } from '../domain/watch.ts';
import type { SessionError } from '../error.ts';
import type { WatchRevocationsRequest__Output } from '../wire/gen/sessionauthority/v1/WatchRevocationsRequest.ts';
import type { WatchRevocationsResponse } from '../wire/gen/sessionauthority/v1/WatchRevocationsResponse.ts';
import { toWatchRequest } from './convert_watch.ts';
import { toServiceError } from './status.ts';

type Call = ServerWritableStream<WatchRevocationsRequest__Output, WatchRevocationsResponse>;

/** Serves one call; what it throws is the caller's to answer with. `onEnded` is told why the service ended the stream. */
export function serveWatch(
  watch: RevocationWatch,
  call: Call,
  onEnded: (subscriberId: string, reason: SessionError) => void,
): void {
  const { subscriberId, ...request } = toWatchRequest(call.request);
  let isBlocked = false;
  const subscription = watch.open(request, {
    write: (frame) => {
      // Encoded already; see sessionServiceDefinition.
      isBlocked = !call.write(frame as unknown as WatchRevocationsResponse);
      return !isBlocked;
    },
    end: (reason) => {
      if (reason !== null) onEnded(subscriberId, reason);
      if (isBlocked) cutOff(call);
      else if (reason === null) call.end();
      else call.emit('error', toServiceError(reason));
    },
  });
  call.on('drain', () => {
    isBlocked = false;
    subscription.drained();
  });
  // `finish` may never come.
  for (const event of ['cancelled', 'close'] as const) call.on(event, () => subscription.close());
}

/** A status would wait behind what the peer does not read: it is sent RST_STREAM instead, and what was kept for it is freed. */
function cutOff(call: Call): void {
  streamOf(call).close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
}

/** Which the library's types leave out. */
function streamOf(call: Call): Http2Stream {
  return (call as unknown as { readonly call: { readonly stream: Http2Stream } }).call.stream;
}
