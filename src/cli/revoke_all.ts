import { existsSync } from 'node:fs';
import type { Config } from '../config.ts';
import { openStore } from '../store/open.ts';

/**
 * Ends every session that there is, of every tenant, by raising the store's global minimum. For after a restore, which brings
 * back what was revoked since the backup. Returns the exit code.
 */
export async function runRevokeAll(config: Config, print: (line: string) => void): Promise<number> {
  const { store: location } = config;
  if (location.kind === 'memory') {
    print('memory: has no sessions but those of a running service: restart that');
    return 1;
  }
  if (location.kind === 'sqlite' && !existsSync(location.path)) {
    print(`there is no database ${location.path}: nothing to revoke`);
    return 1;
  }
  const store = await openStore(location, config, { ms: 0 });
  try {
    await store.raise({
      scope: { kind: 'global' },
      request: null,
      reason: 'admin',
      exceptSessionId: '',
      denyCreateUntilMs: null,
      deviceId: '',
      createTimeBeforeMs: null,
    });
  } finally {
    await store.close();
  }
  print('revoked every session that had begun');
  return 0;
}
