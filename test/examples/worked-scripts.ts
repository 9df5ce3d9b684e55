/** The worked job scripts of examples/, which do the same jobs, and what is peculiar to each. */
import { examplePath, languages, succeeds } from './languages.ts';

export interface WorkedScript {
  readonly name: string;
  readonly path: string;
  readonly isInstalled: boolean;
  /** False where TERM can't be caught. */
  readonly canStop: boolean;
  /** False where args may be nothing but plain text. */
  readonly takesAnyText: boolean;
  /** What it calls a file that isn't there, which it doesn't expect, and what it says of one. */
  readonly missing: readonly [exception: string, error: RegExp];
  /** What it calls a payload that is no JSON. */
  readonly noJson: string;
}

const probes = new Map(languages.map(({ name, probe }) => [name, probe]));

function isInstalled(name: string): boolean {
  const probe = probes.get(name);
  return probe !== undefined && succeeds(probe);
}

const usual = { canStop: true, takesAnyText: true };

export const workedScripts: readonly WorkedScript[] = [
  {
    ...usual,
    name: 'sh',
    path: examplePath('files.sh'),
    isInstalled: true,
    takesAnyText: succeeds(['jq', '--version']),
    missing: ['CommandFailed', /^a command failed with exit code [12]$/],
    noJson: 'InvalidJob',
  },
  {
    ...usual,
    name: 'Python',
    path: examplePath('files.py'),
    // Before 3.7 it takes no file's name for UTF-8 in the locale C.
    isInstalled: succeeds(['python3', '-c', 'import sys; sys.exit(sys.version_info < (3, 7))']),
    missing: ['FileNotFoundError', /No such file or directory: 'missing.log'/],
    noJson: 'JSONDecodeError',
  },
  {
    ...usual,
    name: 'PHP',
    path: examplePath('files.php'),
    isInstalled: isInstalled('PHP') && succeeds(['php', '-r', "exit((int) !extension_loaded('zlib'));"]),
    canStop: succeeds(['php', '-r', "exit((int) !extension_loaded('pcntl'));"]),
    missing: ['ErrorException', /stat failed for missing.log/],
    noJson: 'JsonException',
  },
  {
    ...usual,
    name: 'Ruby',
    path: examplePath('files.rb'),
    isInstalled: isInstalled('Ruby'),
    missing: ['Errno::ENOENT', /No such file or directory.* missing.log/],
    noJson: 'JSON::ParserError',
  },
  {
    ...usual,
    name: 'Node',
    path: examplePath('files.mjs'),
    isInstalled: isInstalled('Node'),
    missing: ['Error', /^ENOENT: no such file or directory, stat 'missing.log'/],
    noJson: 'SyntaxError',
  },
];

/** An entry of a backtrace that leads into the script: PHP has `files.php(12)`, too. */
export function lineOf({ path }: Pick<WorkedScript, 'path'>): RegExp {
  const file = path.slice(path.lastIndexOf('/') + 1).replace('.', '\\.');
  return new RegExp(`/${file}(:|\\()[1-9]\\d*`);
}
