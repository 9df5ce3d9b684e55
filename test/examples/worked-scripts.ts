/** The complete job scripts of examples/, which do the same jobs, and their peculiarities. */
import { examplePath, languages, succeeds } from './languages.ts';

export interface WorkedScript {
  readonly name: string;
  readonly path: string;
  readonly isInstalled: boolean;
  /** False if the script can't catch TERM. */
  readonly canStop: boolean;
  /** False if args must be plain text. */
  readonly takesAnyText: boolean;
  /** Exception and error for a missing file, which the script doesn't expect. */
  readonly missing: readonly [exception: string, error: RegExp];
  /** The exception for a payload that is not JSON. */
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
    // In the locale C, Python before 3.7 doesn't decode file names as UTF-8.
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

/** A backtrace entry of the script. PHP also uses `files.php(12)`. */
export function lineOf({ path }: Pick<WorkedScript, 'path'>): RegExp {
  const file = path.slice(path.lastIndexOf('/') + 1).replace('.', '\\.');
  return new RegExp(`/${file}(:|\\()[1-9]\\d*`);
}
