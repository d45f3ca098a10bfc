import { isIPv4, isIPv6, type Socket } from 'node:net';
import type { ConnectionLimits } from './listener_options.ts';

/** The connections of one listener, counted by peer. */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #open = new Set<Socket>();
  readonly #ofPeer = new Map<string, number>();

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  /** How many there are. */
  get size(): number {
    return this.#open.size;
  }

  /** Counts a connection until it closes; resets it, and returns false, where it is one too many. */
  admit(socket: Socket): boolean {
    const peer = peerOf(socket.remoteAddress ?? '');
    const count = this.#ofPeer.get(peer) ?? 0;
    if (this.#open.size >= this.#limits.total || count >= this.#limits.perPeer) {
      // It may have been reset by the peer already, which nobody else would hear of.
      socket.on('error', () => {});
      socket.resetAndDestroy();
      return false;
    }
    this.#open.add(socket);
    this.#ofPeer.set(peer, count + 1);
    // Once, but a listener that is removed again takes more room as long as the connection lasts.
    socket.on('close', () => this.#release(socket, peer));
    return true;
  }

  /** Cuts off all that are left. */
  destroy(): void {
    for (const socket of this.#open) socket.destroy();
  }

  #release(socket: Socket, peer: string): void {
    this.#open.delete(socket);
    const count = this.#ofPeer.get(peer) ?? 0;
    if (count > 1) this.#ofPeer.set(peer, count - 1);
    else this.#ofPeer.delete(peer);
  }
}

/** Whom an address counts as; see `ConnectionLimits.perPeer`. IPv4-mapped IPv6 addresses count as IPv4. */
export function peerOf(address: string): string {
  const [plain = ''] = address.split('%', 1);
  const mapped = /^::ffff:([\d.]+)$/i.exec(plain)?.[1];
  if (mapped !== undefined && isIPv4(mapped)) return mapped;
  return isIPv6(plain) ? networkOf(plain) : plain;
}

/** The first four groups, of which `::` may stand for some. */
function networkOf(address: string): string {
  const [head = '', tail] = address.split('::', 2);
  const left = groupsOf(head);
  const right = tail === undefined ? [] : groupsOf(tail);
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0');
  const network = [...left, ...zeros, ...right].slice(0, 4);
  return `${network.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}

/** A dotted end takes the room of two groups. */
function groupsOf(part: string): string[] {
  return part === '' ? [] : part.split(':').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]));
}
