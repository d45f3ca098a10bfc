import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(`${ROOT}/${path}`, 'utf8');

describe('docs/security.md', () => {
  const text = read('docs/security.md');

  it('names files that there are', () => {
    const paths = [...text.matchAll(/`((?:src|test)\/[^`]+)`/g)].map(([, path]) => path ?? '');
    assert(paths.length > 50);
    for (const path of paths) assert(existsSync(`${ROOT}/${path}`), path);
  });

  it('names functions where they are', () => {
    const named = [...text.matchAll(/`#?(\w+)` \(`(src\/[^`]+)`\)/g)];
    assert(named.length > 20);
    for (const [, name = '', path = ''] of named)
      assert(new RegExp(`\\b${name}\\b`).test(read(path)), `${name}, ${path}`);
  });

  it('names tests that there are', () => {
    const cited = [...text.matchAll(/`((?:src|test)\/[^`]+\.ts)`: ("[^"]+"(?:; "[^"]+")*)/g)];
    assert(cited.length > 30);
    for (const [, path = '', titles = ''] of cited) {
      const source = read(path);
      for (const [, title = ''] of titles.matchAll(/"([^"]+)"/g)) assert(source.includes(title), `${path}: ${title}`);
    }
  });
});
