import type { IncomingHttpHeaders } from 'node:http';
import { type ClientHttp2Session, connect } from 'node:http2';
import { status } from '@grpc/grpc-js';

const HEADERS = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };

export interface BareAnswer {
  /** The status code's name. */
  readonly status: string;
  /** grpc-status-details-bin, as it came. */
  readonly details: string;
  /** The message of an answer that is OK. */
  readonly bytes: Buffer;
}

/** Unary calls of bytes over plain HTTP/2 (gRPC over HTTP/2): costs a fraction of a whole client. */
export class BareClient {
  readonly #session: ClientHttp2Session;

  constructor(port: number) {
    this.#session = connect(`http://127.0.0.1:${port}`);
    this.#session.on('error', () => {});
  }

  call(path: string, message: Buffer): Promise<BareAnswer> {
    return new Promise((resolve, reject) => {
      const stream = this.#session.request({ ...HEADERS, ':path': path });
      const chunks: Buffer[] = [];
      let told: IncomingHttpHeaders = {};
      const learn = (more: IncomingHttpHeaders) => {
        told = { ...told, ...more };
      };
      stream.on('response', learn);
      stream.on('trailers', learn);
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', reject);
      stream.on('close', () => {
        const code = told['grpc-status'];
        const details = told['grpc-status-details-bin'];
        // Behind a flag and the length comes the one message.
        const bytes = Buffer.concat(chunks).subarray(5);
        if (typeof code === 'string') resolve({ status: status[Number(code)] ?? '', details: [details].join(), bytes });
        else reject(new Error(`no grpc-status: ${JSON.stringify(told)}`));
      });
      const frame = Buffer.alloc(5 + message.length);
      frame.writeUInt32BE(message.length, 1);
      message.copy(frame, 5);
      stream.end(frame);
    });
  }

  /** Begins a call and never sends its message. Resolves once the server is through. */
  hang(path: string): Promise<void> {
    const stream = this.#session.request({ ...HEADERS, ':path': path }, { endStream: false });
    return new Promise((resolve) => {
      stream.on('error', () => {});
      stream.on('close', resolve);
    });
  }

  close(): void {
    this.#session.close();
  }
}
