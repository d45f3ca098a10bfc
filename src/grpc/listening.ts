import { lookup } from 'node:dns/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** A host by name or address, without brackets. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What takes connections. */
export interface Listening {
  /** The port that was bound. */
  readonly port: number;
  /** Takes no more. */
  close(): void;
}

/**
 * Listens on every address that a host's name stands for, on one port (0 = any free one).
 *
 * @throws {Error} where none of them can be listened on
 */
export async function listen({ host, port }: Address, onConnection: (socket: Socket) => void): Promise<Listening> {
  const servers: Server[] = [];
  let bound = port;
  let fault: unknown;
  for (const { address } of await lookup(host, { all: true })) {
    try {
      const server = await listenOn(address, bound, onConnection);
      bound = (server.address() as AddressInfo).port;
      servers.push(server);
    } catch (error) {
      // A name may stand for an address of a protocol that this machine lacks.
      fault = error;
    }
  }
  if (servers.length === 0) throw fault;
  return {
    port: bound,
    close: () => {
      for (const server of servers) server.close();
    },
  };
}

function listenOn(host: string, port: number, onConnection: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(onConnection);
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      // Of accepting, as where no file descriptor is left: the next may succeed.
      server.on('error', () => {});
      resolve(server);
    });
  });
}
