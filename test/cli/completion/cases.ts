/** The offers of every shell for command lines whose last word is being typed. */
export interface Case {
  readonly line: string;
  /** All of them, in any order. */
  readonly offers: readonly string[];
  /** The offers for bash, which ends words at `=`. */
  readonly inBash?: readonly string[];
  /** The offers for zsh, which completes files after a prefix. */
  readonly inZsh?: readonly string[];
  /** Whether real shells are asked, too. The program itself is asked in every case. */
  readonly inShells?: true;
}

/** In the directory of the tests. */
export const files = ['cfg.json', 'job one.json', 'failed.log'] as const;

const commands = [
  'attach',
  'check',
  'config',
  'completion',
  'demo',
  'enqueue',
  'exec',
  'failed',
  'delayed',
  'health',
  'init',
  'pause',
  'reset',
  'resume',
  'schedule',
  'slots',
  'status',
] as const;
const where = ['--config', '--redis', '--namespace'] as const;
const filters = ['--queue', '--class', '--exception', '--exit', '--text', '--older-than'] as const;
const listFlags = [...filters, '--limit', '--before', '--json', ...where, '--help'] as const;
const demoFlags = ['--log-format', '--log-level', '--no-ui', '--no-mouse', '--quiet', '--help'] as const;

export const cases: readonly Case[] = [
  { line: '', inShells: true, offers: commands },
  { line: 's', offers: ['schedule', 'slots', 'status'] },
  { line: 'st', offers: ['status'] },
  { line: 'e', offers: ['enqueue', 'exec'] },
  // The word may also be a config.
  { line: 'c', inShells: true, offers: ['check', 'config', 'completion', 'cfg.json'] },
  { line: 'cf', inShells: true, offers: ['cfg.json'] },
  {
    line: '-',
    offers: [
      '--config',
      '--redis',
      '--drain',
      '--log-format',
      '--log-level',
      '--no-ui',
      '--no-mouse',
      '--quiet',
      '--socket',
      '--metrics',
      '--help',
      '--version',
    ],
  },
  { line: '--l', offers: ['--log-format', '--log-level'] },
  { line: '--log-level ', offers: ['info', 'warn', 'error'] },
  { line: 'failed ', offers: ['list', 'show', 'retry', 'remove', 'clear'] },
  { line: 'failed r', inShells: true, offers: ['retry', 'remove'] },
  { line: 'failed -', offers: listFlags },
  { line: 'failed list -', offers: listFlags },
  // A flag isn't offered twice, in whichever way its value is written.
  { line: 'failed list --queue mail -', offers: listFlags.filter((flag) => flag !== '--queue') },
  {
    line: 'failed list --queue=mail -',
    inShells: true,
    offers: listFlags.filter((flag) => flag !== '--queue'),
  },
  { line: 'failed --queue mail --j', offers: ['--json'] },
  { line: 'failed retry 12 --a', offers: ['--all'] },
  { line: 'failed retry --all --a', inShells: true, offers: [] },
  // A URL is one word, although bash ends words at colons.
  {
    line: 'check --redis redis://me:secret@db1:6379/0 --r',
    inShells: true,
    offers: ['--repair'],
  },
  { line: '--redis redis://db1:6379 cfg.json --d', offers: ['--drain'] },
  { line: '--log-format ', offers: ['pretty', 'json', 'logfmt'] },
  { line: '--log-format p', inShells: true, offers: ['pretty'] },
  {
    line: 'demo --log-format=',
    inShells: true,
    offers: ['--log-format=pretty', '--log-format=json', '--log-format=logfmt'],
    inBash: ['pretty', 'json', 'logfmt'],
  },
  { line: 'demo --log-format=j', inShells: true, offers: ['--log-format=json'], inBash: ['json'] },
  { line: 'completion ', offers: ['bash', 'zsh', 'fish'] },
  { line: 'completion z', offers: ['zsh'] },
  { line: 'completion bash --h', offers: ['--help'] },
  { line: 'check ', inShells: true, offers: files },
  { line: 'check cf', offers: ['cfg.json'] },
  { line: 'check --config ', offers: files },
  {
    line: 'check --config=c',
    inShells: true,
    offers: ['--config=cfg.json'],
    inBash: ['cfg.json'],
    inZsh: ['cfg.json'],
  },
  { line: 'init --yes --script f', inShells: true, offers: ['failed.log'] },
  { line: 'exec mail j', inShells: true, offers: ['job one.json'] },
  { line: 'exec mail cfg.json j', offers: ['job one.json'] },
  // Not known without Redis.
  { line: 'exec ', inShells: true, offers: [] },
  { line: 'enqueue mail ', offers: [] },
  { line: 'failed list --queue ', offers: [] },
  { line: 'failed retry --redis ', offers: [] },
  // A command without arguments takes flags only.
  { line: 'demo ', offers: demoFlags },
  { line: 'completion bash ', offers: [] },
  // After "--", no word is a flag.
  { line: 'enqueue mail Send -- -', inShells: true, offers: [] },
  { line: 'exec -- mail c', offers: ['cfg.json'] },
  { line: 'exec -- -mail c', offers: ['cfg.json'] },
  { line: 'check -- -', offers: [] },
  // Not a command: a word that isn't the first, or a file with that name.
  { line: 'cfg.json st', offers: [] },
  { line: '--drain st', offers: [] },
];
