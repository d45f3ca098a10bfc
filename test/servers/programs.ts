import { execFile, execFileSync } from 'node:child_process';
import { accessSync, constants, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { lastLines } from './process.ts';
import { type ServerName, URL_VARIABLES } from './stores.ts';

/** Whose programs a server needs. */
export type Product = 'postgres' | 'redis';

export function productOf(server: ServerName): Product {
  return server === 'postgres' ? 'postgres' : 'redis';
}

interface Needs {
  readonly title: string;
  /** All in one folder; the first tells the version. */
  readonly programs: readonly string[];
  readonly oldestVersion: number;
  readonly debianPackage: string;
  readonly folders: () => readonly string[];
}

const NEEDS: Readonly<Record<Product, Needs>> = {
  postgres: {
    title: 'PostgreSQL',
    programs: ['postgres', 'initdb', 'pg_basebackup'],
    oldestVersion: 14,
    debianPackage: 'postgresql',
    folders: debianPostgresFolders,
  },
  redis: {
    title: 'Redis',
    programs: ['redis-server', 'redis-cli'],
    oldestVersion: 6,
    debianPackage: 'redis-server',
    folders: () => [],
  },
};

/** Debian keeps them out of PATH; newest first. */
function debianPostgresFolders(): string[] {
  try {
    const versions = readdirSync('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a));
    return versions.map((version) => `/usr/lib/postgresql/${version}/bin`);
  } catch {
    return [];
  }
}

/** The folder of the product's programs, or `null`: one in PATH comes first, a version that is too old is none. */
export function findPrograms(product: Product): string | null {
  const { programs, oldestVersion, folders } = NEEDS[product];
  const [main = ''] = programs;
  const candidates = [...pathFolders(main), ...folders()];
  const usable = (folder: string) =>
    programs.every((program) => isExecutable(join(folder, program))) &&
    majorVersion(join(folder, main)) >= oldestVersion;
  return candidates.find(usable) ?? null;
}

/** The folder of the product's programs, for tests that start servers of their own. */
export function programsOf(product: Product): string {
  const folder = findPrograms(product);
  if (folder !== null) return folder;
  throw new Error(
    `No server to break: install ${needed([product])}, which tests of faults start for themselves whatever URL is set, ` +
      `or leave ${product} out of TEST_STORES`,
  );
}

/** A link in PATH often stands beside none of the others: they are where it leads. */
function pathFolders(program: string): string[] {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.flatMap((folder) => {
    const file = join(folder, program);
    return isExecutable(file) ? [folder, dirname(realpathSync(file))] : [];
  });
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function majorVersion(file: string): number {
  try {
    const said = execFileSync(file, ['--version'], { encoding: 'utf8' });
    return Number(/(\d+)\.\d/.exec(said)?.[1] ?? /(\d+)/.exec(said)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** What of this machine decides whether something may be installed. */
export interface Machine {
  readonly osRelease: string;
  readonly isRoot: boolean;
  /** Whether sudo asks for no password. */
  readonly hasSudo: boolean;
}

export async function thisMachine(): Promise<Machine> {
  return {
    osRelease: readOsRelease(),
    isRoot: process.getuid?.() === 0,
    hasSudo: await promisify(execFile)('sudo', ['-n', 'true']).then(
      () => true,
      () => false,
    ),
  };
}

function readOsRelease(): string {
  try {
    return readFileSync('/etc/os-release', 'utf8');
  } catch {
    return '';
  }
}

/**
 * Installs the packages that are its arguments, and starts nothing: no service by the packages' own scripts, not now and, of
 * Redis, not at the next boot; no cluster `main` of Postgres. Both files that see to that are gone again afterwards; a policy
 * that the machine has already is left alone.
 */
const INSTALL = `
set -e
policy=/usr/sbin/policy-rc.d
drop_ins=/etc/postgresql-common/createcluster.d
no_main="$drop_ins/session-authority-tests.conf"
[ -e "$policy" ] && made_policy= || made_policy="$policy"
trap 'rm -f $made_policy "$no_main"; rmdir "$drop_ins" /etc/postgresql-common 2>/dev/null || :' EXIT
trap 'exit 1' HUP INT TERM
if [ -n "$made_policy" ]; then
  printf '%s\\n' '#!/bin/sh' 'exit 101' > "$policy"
  chmod 755 "$policy"
fi
mkdir -p "$drop_ins"
echo 'create_main_cluster = false' > "$no_main"
install() { apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"; }
install "$@" || { apt-get update && install "$@"; } || exit 1
case " $* " in
  *' redis-server '*) ! command -v systemctl >/dev/null || systemctl disable redis-server.service || : ;;
esac
`;

/** The command that installs the products' packages, or why there is none. */
export function installCommand(products: readonly Product[], machine: Machine): readonly string[] | string {
  const ids = [...machine.osRelease.matchAll(/^ID(?:_LIKE)?=(.*)$/gm)].flatMap(([, value = '']) => value.match(/\w+/g));
  if (!ids.includes('debian') && !ids.includes('ubuntu'))
    return 'what is missing is installed on Debian and Ubuntu alone';
  if (!machine.isRoot && !machine.hasSudo) return 'only root, or sudo that asks nothing, may install them';
  const packages = products.map((product) => NEEDS[product].debianPackage);
  const script = ['env', 'DEBIAN_FRONTEND=noninteractive', 'sh', '-c', INSTALL, 'sh', ...packages];
  return machine.isRoot ? script : ['sudo', '-n', ...script];
}

/** What to do about servers that cannot be had, in one line. */
export function missingLine(servers: readonly ServerName[], reason: string): string {
  return (
    `No server to test ${servers.join(', ')} on (${reason}): install ${needed(servers.map(productOf))}, or set ` +
    `${servers.map((server) => URL_VARIABLES[server]).join(', ')} to one that runs already, or leave it out of TEST_STORES`
  );
}

function needed(products: readonly Product[]): string {
  const needs = [...new Set(products)].map((product) => {
    const { title, oldestVersion, programs, debianPackage } = NEEDS[product];
    return `${title} ${oldestVersion} or later (${programs.join(', ')}; on Debian the package ${debianPackage})`;
  });
  return needs.join(' and ');
}

/** Sees to it that the programs of those servers are on this machine. */
export async function providePrograms(servers: readonly ServerName[]): Promise<void> {
  const missing = () => servers.filter((server) => findPrograms(productOf(server)) === null);
  const absent = missing();
  if (absent.length === 0) return;
  const products = [...new Set(absent.map(productOf))];
  const command = installCommand(products, await thisMachine());
  if (typeof command === 'string') throw new Error(missingLine(absent, command));
  console.error(`Installing ${products.join(' and ')} to test on ...`);
  const [file = '', ...args] = command;
  try {
    await promisify(execFile)(file, args, { maxBuffer: 2 ** 26 });
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    throw new Error(missingLine(absent, `apt-get failed: ${lastLines(stderr) || message}`), { cause: error });
  }
  const left = missing();
  if (left.length > 0) throw new Error(missingLine(left, 'what apt-get installed is too old'));
}
