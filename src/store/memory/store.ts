import type { ClockOffset, StoreRules } from '../../domain/store_rules.ts';
import { EmbeddedStore } from '../embedded/store.ts';
import { createMemoryEngine } from './tables.ts';

/** Opens a store that lives in this process alone: for tests and trials. */
export function openMemoryStore(rules: StoreRules, clock: ClockOffset): Promise<EmbeddedStore> {
  return EmbeddedStore.open(createMemoryEngine(Date.now() + clock.ms), rules, clock);
}
