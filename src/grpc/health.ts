import {
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { HealthImplementation, type ServingStatusMap } from 'grpc-health-check';
import { streamOf } from './stream_of.ts';

interface Request {
  readonly service: string;
}

interface Answer {
  readonly status: string;
}

/** Of one connection at once. */
const MAX_WATCHES = 8;
const TOO_MANY = `a connection may watch ${MAX_WATCHES} at once`;

/** What a library adds its services to. */
interface Services {
  addService(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void;
}

type Check = (call: ServerUnaryCall<Request, Answer>, answer: sendUnaryData<Answer>) => void;
type Watch = (call: ServerWritableStream<Request, Answer>) => void;

/**
 * grpc.health.v1 for services that are known beforehand. Any other name is answered here: the library keeps each name that it
 * was asked to watch, for good, and repeats those that it is asked to check, both from whoever connects.
 */
export class Health extends HealthImplementation {
  readonly #services: ReadonlySet<string>;
  /** By connection. */
  readonly #watches = new WeakMap<object, number>();

  constructor(statuses: ServingStatusMap) {
    super(statuses);
    this.#services = new Set(Object.keys(statuses));
  }

  override addToServer(server: Services): void {
    super.addToServer({
      addService: (definition: ServiceDefinition, library: UntypedServiceImplementation) => {
        server.addService(definition, {
          ...library,
          check: this.#checkOf(library['check'] as Check),
          watch: this.#watchOf(library['watch'] as Watch),
        });
      },
    });
  }

  #checkOf(check: Check): Check {
    return (call, answer) => {
      if (this.#services.has(call.request.service)) check(call, answer);
      else answer({ code: status.NOT_FOUND, details: 'no such service' });
    };
  }

  #watchOf(watch: Watch): Watch {
    return (call) => {
      if (!this.#enter(call)) call.emit('error', { code: status.RESOURCE_EXHAUSTED, details: TOO_MANY });
      else if (this.#services.has(call.request.service)) watch(call);
      else call.write({ status: 'SERVICE_UNKNOWN' });
    };
  }

  /** Whoever connects may watch: a few at a time. */
  #enter(call: ServerWritableStream<Request, Answer>): boolean {
    const connection = streamOf(call)?.session;
    if (connection === undefined) return true;
    const watches = (this.#watches.get(connection) ?? 0) + 1;
    if (watches > MAX_WATCHES) return false;
    this.#watches.set(connection, watches);
    call.once('close', () => this.#watches.set(connection, (this.#watches.get(connection) ?? 1) - 1));
    return true;
  }
}
