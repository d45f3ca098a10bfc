import type { Http2Stream } from 'node:http2';

interface InterceptedCall {
  readonly stream?: Http2Stream;
  readonly nextCall?: InterceptedCall;
}

/** The HTTP/2 stream beneath a call, which the library's types leave out; beneath its interceptors, if there are any. */
export function streamOf(call: object): Http2Stream | undefined {
  let inner: InterceptedCall | undefined = 'call' in call ? (call.call as InterceptedCall) : call;
  while (inner !== undefined && inner.stream === undefined) inner = inner.nextCall;
  return inner?.stream;
}
