import {
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { HealthImplementation, type ServingStatusMap } from 'grpc-health-check';

interface Request {
  readonly service: string;
}

interface Answer {
  readonly status: string;
}

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
      if (this.#services.has(call.request.service)) watch(call);
      else call.write({ status: 'SERVICE_UNKNOWN' });
    };
  }
}
