/**
 * `resque-runner pause`, `resume`, `slots` and `reset`: change a running runner over its socket, for scripts. They print after the
 * runner has carried out the command.
 */
import { LinkClient } from '../../link/client/client.ts';
import { ofEntry, pausesMessages, slotsMessages } from '../../messages/queues.ts';
import { runnerName } from '../../messages/runners.ts';
import { visible, visibleWithin } from '../../messages/visible.ts';
import type { Command, CommandReply } from '../../protocol/commands.ts';
import type { PoolView } from '../../protocol/events.ts';
import type { QueueState } from '../../protocol/snapshot.ts';
import { hasMembers, poolOf } from '../../store/selectors.ts';
import type { CommandContext, RunCommand } from '../command-line/command-spec.ts';
import { exitCodes, OperatingError, UsageError } from '../command-line/exit-codes.ts';
import type { Flags } from '../command-line/flags.ts';
import type { Io } from '../command-line/io.ts';
import { openSession, type Session, whoWeAre } from '../run/link-session.ts';
import { print, printJson } from '../terminal/output.ts';
import { findRunners, severalRunning } from './find-runners.ts';

/** The state of a runner after the change. */
interface Result {
  /** For people, a line each. */
  readonly lines: readonly string[];
  /** For programs. */
  readonly json: object;
}

/** The commands to send, planned for every runner before the first one is changed. */
interface Work {
  readonly commands: readonly Command[];
  readonly result: () => Result;
}

export const pause: RunCommand = (context) => changePauses('pause', context);
export const resume: RunCommand = (context) => changePauses('resume', context);

export const slots: RunCommand = ({ invocation: { input, flags }, io }) => {
  const [queue = '', typed = ''] = input;
  const concurrency = slotsIn(typed);
  return onRunners(io, flags, (session) => {
    const { key } = entryOf(session, queue);
    const entry = () => entryOf(session, key);
    return {
      commands: [{ type: 'set-concurrency', runner: key, concurrency }],
      result: () => ({ lines: [slotsMessages(entry())], json: { entries: [jsonOfEntry(entry())] } }),
    };
  });
};

export const reset: RunCommand = ({ invocation: { input: names, flags }, io }) => {
  assertNamesOrAll('reset', names, flags);
  return onRunners(io, flags, (session) => {
    for (const name of names) entryOf(session, name);
    const isAbout = ({ name, runner }: QueueState) => names.includes(name) || names.includes(runner);
    const queues = () => queuesOf(session).filter((queue) => flags.all || isAbout(queue));
    const entries = () => {
      const { runners } = session.store.getState().model;
      return flags.all ? runners : [...new Set(names.map((name) => entryOf(session, name)))];
    };
    return {
      commands: flags.all ? [{ type: 'reset-all' }] : names.map((queue) => ({ type: 'reset-queue', queue })),
      result: () => ({
        lines: [...entries().map(slotsMessages), ...allMessages('resume', queues())],
        json: { queues: queues().map(jsonOfQueue), entries: entries().map(jsonOfEntry) },
      }),
    };
  });
};

async function changePauses(
  verb: 'pause' | 'resume',
  { invocation: { input: names, flags }, io }: CommandContext,
): Promise<number> {
  assertNamesOrAll(verb, names, flags);
  return await onRunners(io, flags, (session) => {
    const known = new Set([...queuesOf(session), ...entriesOf(session)].map(({ name }) => name));
    const unknown = names.find((name) => !known.has(name));
    if (unknown !== undefined) throw new UsageError(noSuchQueue(session, unknown));
    const entries = () => entriesOf(session).filter(({ name }) => names.includes(name));
    const queues = () => {
      const whole = new Set(entries().map(({ name }) => name));
      return queuesOf(session).filter(
        ({ name, runner }) => flags.all || whole.has(runner) || names.includes(name),
      );
    };
    return {
      commands: flags.all
        ? [{ type: `${verb}-all` }]
        : names.map((queue) => ({ type: `${verb}-queue`, queue })),
      result: () => ({
        lines: flags.all ? allMessages(verb, queues()) : namedMessages(verb, entries(), queues()),
        json: {
          queues: queues().map(jsonOfQueue),
          ...(entries().length === 0 ? {} : { entries: entries().map(jsonOfQueue) }),
        },
      }),
    };
  });
}

function assertNamesOrAll(command: string, names: readonly string[], { all }: Flags): void {
  if (names.length === 0 && !all) throw new UsageError(`${command} needs a QUEUE, or --all for every queue`);
  if (names.length > 0 && all) throw new UsageError('use either a QUEUE or --all, not both');
}

/** There may be thousands of queues: only those that are not as asked have a line of their own. */
function allMessages(verb: 'pause' | 'resume', queues: readonly QueueState[]): string[] {
  if (verb === 'pause') return ['every queue is paused'];
  const paused = queues.filter(({ pauses }) => pauses.length > 0);
  if (paused.length === 0) return ['no queue is paused'];
  return paused.map(({ name, pauses }) => pausesMessages(name, pauses));
}

/** Of the queues of an entry, only those that are not as asked have a line of their own. */
function namedMessages(
  verb: 'pause' | 'resume',
  entries: readonly Pausable[],
  queues: readonly QueueState[],
): string[] {
  const whole = new Set(entries.map(({ name }) => name));
  const told = queues.filter(
    ({ name, runner, pauses }) =>
      !whole.has(name) && (!whole.has(runner) || (verb === 'resume' && pauses.length > 0)),
  );
  return [...entries, ...told].map(({ name, pauses }) => pausesMessages(name, pauses));
}

/** @returns the exit code */
async function onRunners(
  io: Io,
  { config, socket, json }: Flags,
  plan: (session: Session) => Work,
): Promise<number> {
  const sessions: Session[] = [];
  try {
    for (const path of await socketsOf(io, config, socket)) {
      sessions.push(await openSession((events) => LinkClient.connect(path, whoWeAre(io, false), events)));
    }
    const works = sessions.map((session) => ({ session, ...plan(session) }));
    for (const { session, commands } of works) {
      for (const command of commands) assertDone(session, await session.client.send(command));
    }
    const results = works.map(({ session, result }) => ({ hello: session.client.hello, ...result() }));
    if (json) {
      const runners = results.map(({ hello, json }) => ({
        pid: hello.pid,
        config: hello.configFile,
        ...json,
      }));
      await printJson(io, { runners });
    } else {
      for (const { hello, lines } of results) {
        const prefix = results.length === 1 ? '' : `${runnerName(hello)}: `;
        for (const line of lines) await print(io, `${prefix}${line}\n`);
      }
    }
    return exitCodes.clean;
  } finally {
    await Promise.all(sessions.map(({ client }) => client.close()));
  }
}

async function socketsOf(io: Io, config: string | null, socket: string | null): Promise<readonly string[]> {
  const found = await findRunners(io, config, socket);
  if (found.by === 'socket') return [found.path];
  const { by, listed } = found;
  if (by === 'user' && listed.length > 1) {
    throw new UsageError(severalRunning(listed));
  }
  return listed.map(({ path }) => path);
}

function assertDone(session: Session, reply: CommandReply): void {
  if (reply.ok) return;
  const message = `${runnerName(session.client.hello)}: ${visible(reply.message)}`;
  throw reply.code === 'out-of-range' ? new UsageError(message) : new OperatingError(message);
}

function slotsIn(typed: string): number {
  if (/^[1-9]\d{0,5}$/.test(typed)) return Number(typed);
  const hint = typed === '0' ? '; `pause` stops a queue' : '';
  throw new UsageError(`slots must be a whole number, 1 or more, got "${visibleWithin(typed, 60)}"${hint}`);
}

type Pausable = Pick<QueueState, 'name' | 'pauses'>;

/** Entries of several queues or of a pattern. */
function entriesOf({ store }: Session): readonly Pausable[] {
  const { model } = store.getState();
  return model.runners
    .filter((runner) => hasMembers(model, runner))
    .map(({ key: name, pauses = [] }) => ({ name, pauses: ofEntry(pauses) }));
}

function queuesOf({ store }: Session): readonly QueueState[] {
  return store.getState().model.queues;
}

/** The entry of the config with that name, else the one that the queue gets its slots from. */
function entryOf(session: Session, name: string): PoolView {
  const { model } = session.store.getState();
  const queue = model.queues.find((each) => each.name === name);
  const entry =
    model.runners.find(({ key }) => key === name) ?? (queue === undefined ? null : poolOf(model, queue));
  if (entry === null) throw new UsageError(noSuchQueue(session, name));
  return entry;
}

/** A few are enough to see what was mistyped. */
const mostNames = 20;

function noSuchQueue(session: Session, name: string): string {
  const names = queuesOf(session).map((queue) => queue.name);
  const known = names.slice(0, mostNames).join(', ') + (names.length > mostNames ? ', …' : '');
  const has = names.length === 0 ? 'no queue yet' : visible(known);
  return `${runnerName(session.client.hello)} has no queue "${visibleWithin(name, 60)}"; it has ${has}`;
}

function jsonOfQueue({ name, pauses }: Pausable): object {
  const told = pauses.map(({ kind, detail, sinceMs }) => ({
    kind,
    detail,
    since: new Date(sinceMs).toISOString(),
  }));
  return { name, isPaused: pauses.length > 0, pauses: told };
}

function jsonOfEntry({ key, concurrency, configuredConcurrency }: PoolView): object {
  return { name: key, slots: concurrency, configured: configuredConcurrency };
}
