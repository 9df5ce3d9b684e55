/** `resque-runner attach`: the screen of a runner that is already running. */
import { createInterface } from 'node:readline/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ListedSocket } from '../../link/sockets/list-sockets.ts';
import { look } from '../../link/sockets/peek.ts';
import { runnerSummary } from '../../messages/runners.ts';
import { visible } from '../../messages/visible.ts';
import type { CommandContext } from '../command-line/command-spec.ts';
import { exitCodes, OperatingError, UsageError } from '../command-line/exit-codes.ts';
import { type Io, isInteractive, type TerminalIo } from '../command-line/io.ts';
import { loadUi, say, signalCodes, summary } from '../run/ui-session.ts';
import { Stop } from '../terminal/stop.ts';
import { AttachedRunner, type AttachTarget, type TerminalWishes } from './attached-runner.ts';
import { type FoundRunners, findRunners } from './find-runners.ts';

/** How soon `--wait` finds a runner that has started. */
const pollMs = 500;

export async function run({ invocation, io }: CommandContext): Promise<number> {
  const { input, flags } = invocation;
  if (!isInteractive(io)) {
    throw new UsageError(
      'attach needs a terminal: STDIN and STDOUT must be terminals, and TERM must not be "dumb"',
    );
  }
  const find = () => findRunners(io, input[0] ?? null, flags.socket);
  const found = await (flags.wait ? firstFound(io, find) : find());
  if (typeof found === 'number') return found;
  const socket = found.by === 'socket' ? found.path : await choose(io, found.listed);
  const target = { socket, isNamed: found.by === 'socket', isReadOnly: flags.readOnly };
  return await show(io, target, { hasMouse: flags.mouse, isQuiet: flags.quiet });
}

/** Shows a runner and those that take its place, until the user leaves. @returns the exit code */
async function show(io: TerminalIo, target: AttachTarget, terminal: TerminalWishes): Promise<number> {
  const loading = loadUi();
  const runner = await AttachedRunner.open(io, target);
  const { user } = runner;
  if (user !== null) say(io, `attached to process ${runner.hello.pid}, a runner of user ${user}`);
  const { runTerminalUi } = await loading;
  const end = await runTerminalUi(runner.uiOptions(terminal), io);
  await runner.close();
  if (end.kind === 'signal') return signalCodes[end.signal];
  const { pid } = runner.hello;
  if (runner.store.getState().model.engine?.isStopped === true) say(io, summary(runner));
  else if (runner.lostReason !== null) say(io, `the runner (process ${pid}) is gone: ${runner.lostReason}`);
  else say(io, `resque-runner continues as process ${pid}.`);
  return exitCodes.clean;
}

/** Waits for the first runner. @returns the exit code if a signal ends the wait */
async function firstFound(io: Io, find: () => Promise<FoundRunners>): Promise<FoundRunners | number> {
  const stop = new Stop(io);
  stop.listen();
  try {
    for (let told = ''; !stop.signal.aborted; ) {
      const found = await runnersOrReason(find);
      if (typeof found !== 'string') return found;
      if (told === '') io.stderr.write(`resque-runner: ${found}\nwaiting for one; Ctrl-C leaves\n`);
      told = found;
      // Rejects if a signal ends it.
      await sleep(pollMs, undefined, { signal: stop.signal }).catch(() => {});
    }
    return stop.exitCode;
  } finally {
    stop.end();
  }
}

/** @returns why there is none yet */
async function runnersOrReason(find: () => Promise<FoundRunners>): Promise<FoundRunners | string> {
  try {
    const found = await find();
    const isThere = found.by !== 'socket' || typeof (await look(found.path)) !== 'string';
    return isThere ? found : `no runner is listening at ${visible(found.path)}`;
  } catch (error) {
    if (error instanceof OperatingError) return error.message;
    throw error;
  }
}

/** If there are several, the user chooses one. @returns its socket */
async function choose(
  { stdin, stdout }: Io,
  found: readonly [ListedSocket, ...ListedSocket[]],
): Promise<string> {
  if (found.length === 1) return found[0].path;
  stdout.write(`${found.length} runners are running:\n`);
  found.forEach(({ hello }, at) => {
    stdout.write(`  ${at + 1}  ${runnerSummary(hello)}\n`);
  });
  const lines = createInterface({ input: stdin, output: stdout });
  try {
    for (;;) {
      const answer = (await lines.question(`Which one? 1-${found.length}, or q: `)).trim();
      if (answer === 'q' || answer === '') throw new UsageError('no runner was chosen');
      const chosen = /^\d+$/.test(answer) ? found[Number(answer) - 1] : undefined;
      if (chosen !== undefined) return chosen.path;
    }
  } finally {
    lines.close();
  }
}
