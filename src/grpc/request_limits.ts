import { type Metadata, ServerInterceptingCall, type ServerInterceptor, status } from '@grpc/grpc-js';

/** Keys and values of what a call brings beside its message, as they are sent. */
const MAX_METADATA_BYTES = 8 * 1024;

/** How long a request may take to come, from its headers on. */
const REQUEST_TIMEOUT_MS = 10_000;

/**
 * Bounds what a request may bring, and how long it may take.
 *
 * More than 8 KiB of metadata is RESOURCE_EXHAUSTED; a message that has not come within 10 s is DEADLINE_EXCEEDED, where
 * requests are a stream their first. To stand before interceptors that look at a call.
 */
export const limitRequests: ServerInterceptor = (method, call) => {
  let timer: NodeJS.Timeout | undefined;
  const arrived = () => clearTimeout(timer);
  return new ServerInterceptingCall(call, {
    start: (next) => {
      timer = setTimeout(() => {
        call.sendStatus({ code: status.DEADLINE_EXCEEDED, details: 'the request did not come within 10 s' });
      }, REQUEST_TIMEOUT_MS);
      next({
        onReceiveMetadata: (metadata, pass) => {
          if (sizeOf(metadata) <= MAX_METADATA_BYTES) pass(metadata);
          else {
            const details = `metadata is larger than ${MAX_METADATA_BYTES} bytes`;
            call.sendStatus({ code: status.RESOURCE_EXHAUSTED, details });
          }
        },
        onReceiveMessage: (message, pass) => {
          if (method.requestStream) arrived();
          pass(message);
        },
        onReceiveHalfClose: (pass) => {
          arrived();
          pass();
        },
        // Of a call that has been answered too.
        onCancel: arrived,
      });
    },
  });
};

function sizeOf(metadata: Metadata): number {
  const headers = metadata.toHttp2Headers();
  let size = 0;
  for (const key in headers) {
    const value = headers[key];
    if (Array.isArray(value)) for (const one of value) size += key.length + one.length;
    else size += key.length + String(value).length;
  }
  return size;
}
