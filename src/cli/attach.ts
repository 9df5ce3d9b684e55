/** `resque-runner attach`: the user interface of a runner that runs already. */
import { resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { type ListedSocket, listSockets } from '../link/list-sockets.ts';
import type { ServerHello } from '../protocol/frames.ts';
import { visible } from '../wording/visible.ts';
import type { CommandContext } from './command-line/command-spec.ts';
import { OperatingError, UsageError } from './exit-codes.ts';
import { ownSocketDirectories } from './own-socket-directories.ts';
import { attachUi, isInteractive } from './ui-session.ts';

export async function run({ invocation }: CommandContext): Promise<number> {
  const { input, flags } = invocation;
  const [config] = input;
  if (config !== undefined && flags.socket !== null) {
    throw new UsageError('attach takes a CONFIG or --socket PATH, not both');
  }
  if (!isInteractive()) {
    throw new UsageError('attach needs a terminal: both STDIN and STDOUT, and a TERM other than "dumb"');
  }
  const socket = flags.socket ?? (await find(config === undefined ? null : resolve(config)));
  return await attachUi({ socket, isReadOnly: flags.readOnly });
}

async function find(configFile: string | null): Promise<string> {
  const directories = ownSocketDirectories();
  const all: readonly ListedSocket[] = await listSockets(directories);
  const found = configFile === null ? all : all.filter(({ hello }) => hello.configFile === configFile);
  const [first, ...others] = found;
  if (first === undefined) throw new OperatingError(noneFound(configFile, all.length, directories));
  return others.length === 0 ? first.path : await choose(found);
}

function noneFound(configFile: string | null, others: number, directories: readonly string[]): string {
  const where = directories.join(' or ');
  if (configFile !== null && others > 0)
    return `no runner of ${configFile} is running; without CONFIG attach lists the ${others} that are`;
  return [
    `no runner of this user is running: there is no socket in ${where}`,
    'with --socket PATH you reach one that has its socket elsewhere, and as root also one of another user',
  ].join('\n');
}

/** Several: which one is asked on the terminal. */
async function choose(found: readonly ListedSocket[]): Promise<string> {
  process.stdout.write(`${found.length} runners are running:\n`);
  found.forEach(({ hello }, at) => {
    process.stdout.write(`  ${at + 1}  ${described(hello)}\n`);
  });
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    for (;;) {
      const answer = (await lines.question(`Which one? 1-${found.length}, or q: `)).trim();
      if (answer === 'q' || answer === '') throw new UsageError('none was chosen');
      const chosen = /^\d+$/.test(answer) ? found[Number(answer) - 1] : undefined;
      if (chosen !== undefined) return chosen.path;
    }
  } finally {
    lines.close();
  }
}

function described({ pid, configFile, runners, startedAtMs }: ServerHello): string {
  // 2026-11-24 22:43:21, as the Swedes write it: understood everywhere.
  const since = new Date(startedAtMs).toLocaleString('sv-SE');
  return visible(
    `process ${pid}  ${configFile ?? '(no config file)'}  ${runners.join(', ')}  since ${since}`,
  );
}
