import { type ClientHttp2Session, connect as connectHttp2, type IncomingHttpHeaders, type Settings } from 'node:http2';
import { connect } from 'node:net';
import { ATTACKER } from './raw_peer.ts';

/** Of any call, beside its path. */
export const HEADERS = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };

/** How a call ended. */
export interface CallEnd {
  /** The number in `grpc-status`; NaN where none came. */
  readonly status: number;
  readonly text: string;
  /** Of RST_STREAM, 0 where none came. */
  readonly resetCode: number;
}

/** An HTTP/2 client from the attacker's address, which keeps to HTTP/2 whatever its calls are. */
export class PolitePeer {
  readonly session: ClientHttp2Session;

  constructor(port: number, settings: Settings = {}) {
    this.session = connectHttp2(`http://127.0.0.1:${port}`, {
      settings,
      // Its own limit is not what is tested.
      maxSessionMemory: 1000,
      createConnection: () => connect({ port, host: '127.0.0.1', localAddress: ATTACKER }),
    });
    this.session.on('error', () => {});
  }

  /** Sends these bytes as a call's data, and ends it unless told otherwise. */
  call(path: string, bytes: Buffer, { headers = {}, end = true } = {}): Promise<CallEnd> {
    return new Promise((resolve) => {
      const stream = this.session.request({ ...HEADERS, ...headers, ':path': path }, { endStream: false });
      let told: IncomingHttpHeaders = {};
      const learn = (more: IncomingHttpHeaders) => {
        told = { ...told, ...more };
      };
      stream.on('response', learn);
      stream.on('trailers', learn);
      stream.on('error', () => {});
      stream.on('close', () => {
        const text = decodeURI(String(told['grpc-message'] ?? ''));
        resolve({ status: Number(told['grpc-status']), text, resetCode: stream.rstCode ?? 0 });
      });
      stream.resume();
      if (end) stream.end(bytes);
      else stream.write(bytes);
    });
  }

  close(): void {
    this.session.destroy();
  }
}
