import assert from 'node:assert/strict';
import { installCommand, type Machine, missingLine } from './programs.ts';

const DEBIAN: Machine = { osRelease: 'NAME="Debian"\nID=debian\n', isRoot: true, hasSudo: false };

describe('programs of test servers', () => {
  it('are installed by one call of root', () => {
    const command = installCommand(['postgres', 'redis'], DEBIAN);
    assert.ok(Array.isArray(command));
    assert.equal(command[0], 'env');
    assert.deepEqual(command.slice(-2), ['postgresql', 'redis-server']);
  });

  it('are installed through sudo where it asks nothing', () => {
    const command = installCommand(['redis'], { ...DEBIAN, isRoot: false, hasSudo: true });
    assert.deepEqual(command.slice(0, 3), ['sudo', '-n', 'env']);
  });

  it('are installed on what is like Debian or Ubuntu', () => {
    const likes = ['ID=ubuntu', 'ID=pop\nID_LIKE="ubuntu debian"', 'ID="linuxmint"\nID_LIKE=ubuntu', "ID='debian'"];
    for (const osRelease of likes)
      assert.ok(Array.isArray(installCommand(['redis'], { ...DEBIAN, osRelease })), osRelease);
  });

  it('are installed on no other system', () => {
    for (const osRelease of ['', 'ID=fedora\nID_LIKE="rhel centos"', 'NAME=debian\nVERSION_ID=debian']) {
      const refusal = 'what is missing is installed on Debian and Ubuntu alone';
      assert.equal(installCommand(['postgres'], { ...DEBIAN, osRelease }), refusal);
    }
  });

  it('are not installed without the right to', () => {
    assert.equal(
      installCommand(['postgres'], { ...DEBIAN, isRoot: false }),
      'only root, or sudo that asks nothing, may install them',
    );
  });

  it('that cannot be had make one line that says what to do', () => {
    assert.equal(
      missingLine(['postgres'], 'this is why'),
      'No server to test postgres on (this is why): install PostgreSQL 14 or later (postgres, initdb, pg_basebackup; ' +
        'on Debian the package postgresql), or set TEST_POSTGRES_URL to one that runs already, or leave it out of TEST_STORES',
    );
    assert.equal(
      missingLine(['postgres', 'redis', 'redis-cluster'], 'this is why'),
      'No server to test postgres, redis, redis-cluster on (this is why): install PostgreSQL 14 or later (postgres, ' +
        'initdb, pg_basebackup; on Debian the package postgresql) and Redis 6 or later (redis-server, redis-cli; on ' +
        'Debian the package redis-server), or set TEST_POSTGRES_URL, TEST_REDIS_URL, TEST_REDIS_CLUSTER_URL to one that ' +
        'runs already, or leave it out of TEST_STORES',
    );
  });
});
