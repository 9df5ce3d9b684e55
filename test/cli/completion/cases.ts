/** What a shell is to offer for a command line whose last word is being typed. */
import type { Shell } from './shells.ts';

export interface Case {
  readonly line: string;
  /** All of them, in any order. */
  readonly offers: readonly string[];
  /** Where a shell goes by a convention of its own. */
  readonly otherwise?: Partial<Readonly<Record<Shell, readonly string[]>>>;
}

/** In the directory of the tests. */
export const files = ['cfg.json', 'job one.json', 'failed.log'] as const;

const commands = [
  'attach',
  'check',
  'completion',
  'demo',
  'enqueue',
  'exec',
  'failed',
  'init',
  'pause',
  'resume',
  'slots',
  'status',
] as const;
const where = ['--config', '--redis', '--namespace'] as const;
const filters = ['--queue', '--class', '--exception', '--exit', '--text'] as const;
const listFlags = [...filters, '--limit', '--before', '--json', ...where, '--help'] as const;
const demoFlags = ['--log-format', '--no-ui', '--help'] as const;

export const cases: readonly Case[] = [
  { line: '', offers: commands },
  { line: 's', offers: ['slots', 'status'] },
  { line: 'st', offers: ['status'] },
  { line: 'e', offers: ['enqueue', 'exec'] },
  // A config may be meant as well.
  { line: 'c', offers: ['check', 'completion', 'cfg.json'] },
  { line: 'cf', offers: ['cfg.json'] },
  {
    line: '-',
    offers: ['--config', '--redis', '--drain', '--log-format', '--no-ui', '--socket', '--help', '--version'],
  },
  { line: '--l', offers: ['--log-format'] },
  { line: 'failed ', offers: ['list', 'show', 'retry', 'remove', 'clear'] },
  { line: 'failed r', offers: ['retry', 'remove'] },
  { line: 'failed -', offers: listFlags },
  { line: 'failed list -', offers: listFlags },
  // What is there already isn't offered again, however its value was written.
  { line: 'failed list --queue mail -', offers: listFlags.filter((flag) => flag !== '--queue') },
  { line: 'failed list --queue=mail -', offers: listFlags.filter((flag) => flag !== '--queue') },
  { line: 'failed --queue mail --j', offers: ['--json'] },
  { line: 'failed retry 12 --a', offers: ['--all'] },
  { line: 'failed retry --all --a', offers: [] },
  // A URL is one word, whatever a shell makes of its colons.
  {
    line: 'check --redis redis://me:secret@db1:6379/0 --r',
    offers: ['--repair'],
  },
  { line: '--redis redis://db1:6379 cfg.json --d', offers: ['--drain'] },
  { line: '--log-format ', offers: ['pretty', 'json'] },
  { line: '--log-format p', offers: ['pretty'] },
  {
    line: 'demo --log-format=',
    offers: ['pretty', 'json'],
    otherwise: { fish: ['--log-format=pretty', '--log-format=json'] },
  },
  { line: 'demo --log-format=j', offers: ['json'], otherwise: { fish: ['--log-format=json'] } },
  { line: 'completion ', offers: ['bash', 'zsh', 'fish'] },
  { line: 'completion z', offers: ['zsh'] },
  { line: 'completion bash --h', offers: ['--help'] },
  { line: 'check ', offers: files },
  { line: 'check cf', offers: ['cfg.json'] },
  { line: 'check --config ', offers: files },
  { line: 'init --yes --script f', offers: ['failed.log'] },
  { line: 'exec mail j', offers: ['job one.json'] },
  { line: 'exec mail cfg.json j', offers: ['job one.json'] },
  // Nobody knows these.
  { line: 'exec ', offers: [] },
  { line: 'enqueue mail ', offers: [] },
  { line: 'failed list --queue ', offers: [] },
  { line: 'failed retry --redis ', offers: [] },
  // Without arguments there are flags only.
  { line: 'demo ', offers: [], otherwise: { bash: demoFlags, zsh: demoFlags } },
  {
    line: 'completion bash ',
    offers: [],
    otherwise: { zsh: ['--help'] },
  },
  // Behind "--" nothing is a flag.
  { line: 'enqueue mail Send -- -', offers: [] },
  { line: 'exec -- mail c', offers: ['cfg.json'] },
  { line: 'exec -- -mail c', offers: ['cfg.json'] },
  { line: 'check -- -', offers: [] },
  // No command: a word that isn't the first, or a file of that name.
  { line: 'cfg.json st', offers: [] },
  { line: '--drain st', offers: [] },
];
