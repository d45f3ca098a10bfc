import { Client, type ClientReadableStream, credentials, type MethodDefinition } from '@grpc/grpc-js';
import { service } from 'grpc-health-check';

interface Check {
  readonly service: string;
}

interface Health {
  readonly status: string;
}

function method(name: string): MethodDefinition<Check, Health> {
  return service[name] as unknown as MethodDefinition<Check, Health>;
}

/** Probes grpc.health.v1, as a load balancer would. */
export class HealthClient extends Client {
  constructor(port: number) {
    super(`127.0.0.1:${port}`, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  }

  check(name: string): Promise<string> {
    const { path, requestSerialize, responseDeserialize } = method('Check');
    return new Promise((resolve, reject) => {
      this.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service: name }, (error, answer) => {
        if (error === null) resolve(answer?.status ?? '');
        else reject(error);
      });
    });
  }

  /** A stream of statuses that stays open. */
  watch(name: string): HealthWatch {
    const { path, requestSerialize, responseDeserialize } = method('Watch');
    return new HealthWatch(
      this.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service: name }),
    );
  }
}

export class HealthWatch {
  readonly #stream: ClientReadableStream<Health>;
  readonly #statuses: string[] = [];
  #wake: () => void = () => {};
  /** Resolves to the status code's number when the stream is over. */
  readonly ended: Promise<number>;

  constructor(stream: ClientReadableStream<Health>) {
    this.#stream = stream;
    stream.on('data', ({ status }: Health) => {
      this.#statuses.push(status);
      this.#wake();
    });
    this.ended = new Promise((resolve) => {
      stream.on('error', () => {});
      stream.on('status', ({ code }) => resolve(code));
    });
  }

  /** The next status that comes. */
  async next(): Promise<string> {
    for (;;) {
      const status = this.#statuses.shift();
      if (status !== undefined) return status;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  cancel(): void {
    this.#stream.cancel();
  }
}
