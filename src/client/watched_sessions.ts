import type { Revocation } from '../revocation/revocation.ts';
import { scopeName } from '../revocation/scope_name.ts';
import type { KnownSession } from './demand.ts';

/** A session of whose end somebody wants to hear. */
export interface Watch extends KnownSession {
  readonly onRevoked: () => void;
}

/** Sessions by all that a revocation may name, so that one costs as much as it names sessions. */
export class WatchedSessions {
  readonly #byName = new Map<string, Set<Watch>>();

  /** How many names are watched. */
  get size(): number {
    return this.#byName.size;
  }

  add(watch: Watch): void {
    for (const name of namesOf(watch)) {
      const watches = this.#byName.get(name);
      if (watches === undefined) this.#byName.set(name, new Set([watch]));
      else watches.add(watch);
    }
  }

  /** Whether it was there. */
  remove(watch: Watch): boolean {
    let wasThere = false;
    for (const name of namesOf(watch)) {
      const watches = this.#byName.get(name);
      wasThere = watches?.delete(watch) ?? false;
      if (watches?.size === 0) this.#byName.delete(name);
    }
    return wasThere;
  }

  clear(): void {
    this.#byName.clear();
  }

  /** Takes out the sessions that a revocation has ended. */
  take({ scope }: Revocation): readonly Watch[] {
    return this.#takeNamed(scopeName(scope));
  }

  /** Takes out all that have ended. */
  takeAllEnded(): readonly Watch[] {
    return this.#takeNamed(scopeName({ kind: 'global' }));
  }

  #takeNamed(name: string): readonly Watch[] {
    const named = this.#byName.get(name);
    if (named === undefined) return [];
    const ended = [...named].filter((watch) => watch.isRevoked());
    for (const watch of ended) this.remove(watch);
    return ended;
  }
}

/** All that a revocation can name it by. */
export function namesOf({ subject, kid }: KnownSession): readonly string[] {
  const { sessionId, tenantId, subject: userId, clientId } = subject;
  return [
    scopeName({ kind: 'session', sessionId }),
    scopeName({ kind: 'user', tenantId, userId }),
    scopeName({ kind: 'client', tenantId, clientId }),
    scopeName({ kind: 'tenant', tenantId }),
    scopeName({ kind: 'global' }),
    ...(kid === '' ? [] : [scopeName({ kind: 'key', kid })]),
  ];
}
