/** One user interface from the first frame to its last word: link, store, screen, and what is said afterwards. */
import { readlinkSync } from 'node:fs';
import { userInfo } from 'node:os';
import { LinkClient, type LinkEvents } from '../link/client.ts';
import { LinkError } from '../link/link-error.ts';
import { ownUid } from '../link/socket-path.ts';
import { userNameOf } from '../link/user-name.ts';
import { applyEvents, createAppStore, replaceModel } from '../store/app-store.ts';
import type { UiEnd, UiOptions } from '../ui/ui-options.ts';
import { plural } from '../wording/quantities.ts';
import { spoolWording } from '../wording/spool-wording.ts';
import { exitCodes, OperatingError } from './exit-codes.ts';
import { growAsUsual } from './lean-heap.ts';
import { type EngineEnd, startOwnEngine } from './own-engine.ts';

export interface OwnUiOptions {
  /** The command line of the engine, as for a headless runner. */
  readonly engineArgs: readonly string[];
  /** False where it can't go on without us, as in a demo. */
  readonly canLeaveRunning: boolean;
}

export interface AttachOptions {
  readonly socket: string;
  readonly isReadOnly: boolean;
}

/** Signals that end a user interface give the exit code that a shell would. */
const signalCodes = { SIGHUP: 129, SIGINT: 130, SIGQUIT: 131, SIGTERM: 143 } as const;
/** An engine that has closed its link is about to end. */
const endLimitMs = 5_000;

/** Whether there is somebody to look and type; the log is for all others. */
export function isInteractive(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true && process.env.TERM !== 'dumb';
}

function loadUi(): Promise<typeof import('../ui/main.tsx')> {
  growAsUsual();
  return import('../ui/main.tsx');
}

/** Starts an engine and shows it. @returns the exit code */
export async function runOwnUi({ engineArgs, canLeaveRunning }: OwnUiOptions): Promise<number> {
  const engine = startOwnEngine(engineArgs);
  // While the engine starts, on the other core.
  const loading = loadUi();
  const connect = (events: LinkEvents) => LinkClient.over(engine.connection, whoWeAre(false), events);
  let session: Session;
  try {
    session = await openSession(connect);
  } catch (error) {
    // It could not even start: what it has to say is the reason.
    const end = await within(engine.ended);
    throw end === null ? error : new OperatingError(lastWords(engine.pid, end), { cause: error });
  }
  const end = await show(session, (await loading).runTerminalUi, {
    isReadOnly: false,
    runnerUser: null,
    isOwner: true,
    canLeaveRunning,
  });
  switch (end.kind) {
    case 'detached':
      session.client.disown();
      await session.client.close();
      engine.release();
      say(
        `resque-runner goes on as process ${engine.pid}. \`resque-runner attach\` comes back to it, \`kill -QUIT ${engine.pid}\` ends it when its jobs have ended.`,
      );
      return exitCodes.clean;
    case 'signal':
      // The end of the connection tells the engine to drain. Where what it needs goes with us, there is no time.
      if (!canLeaveRunning) {
        await session.client.send({ type: 'stop', mode: 'kill' });
        await engine.ended;
      }
      await session.client.close();
      engine.release();
      return signalCodes[end.signal];
    case 'stopped':
    case 'lost': {
      const engineEnd = await engine.ended;
      if (engineEnd.exitCode !== exitCodes.clean) {
        throw new OperatingError(unfinished(session) ?? lastWords(engine.pid, engineEnd));
      }
      // An engine that ends by itself says so before it closes the link.
      if (end.kind === 'lost' && session.store.getState().model.engine?.isStopped !== true) {
        throw new OperatingError(
          `the link to the runner broke off, and it has drained and ended: ${end.reason}`,
        );
      }
      say(summary(session));
      return exitCodes.clean;
    }
  }
}

/** Shows an engine that runs elsewhere. @returns the exit code */
export async function attachUi({ socket, isReadOnly }: AttachOptions): Promise<number> {
  const loading = loadUi();
  const session = await openSession((events) => LinkClient.connect(socket, whoWeAre(isReadOnly), events));
  const { pid } = session.client.hello;
  const { ownerUid } = session.client;
  const runnerUser = ownerUid === null || ownerUid === ownUid() ? null : userNameOf(ownerUid);
  if (runnerUser !== null) say(`attached to process ${pid}, a runner of user ${runnerUser}`);
  const end = await show(session, (await loading).runTerminalUi, {
    isReadOnly,
    runnerUser,
    isOwner: false,
    canLeaveRunning: true,
  });
  await session.client.close();
  switch (end.kind) {
    case 'detached':
      say(`resque-runner goes on as process ${pid}.`);
      return exitCodes.clean;
    case 'signal':
      return signalCodes[end.signal];
    case 'stopped':
      say(summary(session));
      return exitCodes.clean;
    case 'lost':
      throw new OperatingError(`the runner (process ${pid}) is gone: ${end.reason}`);
  }
}

interface Session {
  readonly client: LinkClient;
  readonly store: ReturnType<typeof createAppStore>;
  readonly lost: Promise<string>;
}

/** Connected, and with the first snapshot in the store: the first frame has something to show. */
async function openSession(connect: (events: LinkEvents) => Promise<LinkClient>): Promise<Session> {
  const store = createAppStore();
  let lose: (reason: string) => void = () => {};
  const lost = new Promise<string>((resolve) => {
    lose = resolve;
  });
  let arrive: () => void = () => {};
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const client = await connected(connect, {
    onSnapshot: (snapshot) => {
      replaceModel(store, snapshot);
      arrive();
    },
    onEvents: (events) => applyEvents(store, events),
    onClosed: (reason) => lose(reason),
  });
  await Promise.race([arrived, lost.then((reason) => Promise.reject(new OperatingError(reason)))]);
  return { client, store, lost };
}

async function connected(
  connect: (events: LinkEvents) => Promise<LinkClient>,
  events: LinkEvents,
): Promise<LinkClient> {
  try {
    return await connect(events);
  } catch (error) {
    if (error instanceof LinkError) throw new OperatingError(error.message, { cause: error });
    throw error;
  }
}

type RunTerminalUi = typeof import('../ui/main.tsx')['runTerminalUi'];

async function show(
  { client, store, lost }: Session,
  runTerminalUi: RunTerminalUi,
  how: Pick<UiOptions, 'isReadOnly' | 'runnerUser' | 'isOwner' | 'canLeaveRunning'>,
): Promise<UiEnd> {
  return await runTerminalUi({
    ...how,
    store,
    lost,
    send: (command) => client.send(command),
    watch: (jobId, onBatch) => client.watch(jobId, onBatch),
    stdin: process.stdin,
    stdout: process.stdout,
  });
}

/** `ann@pts/3`, for the record of who did what. */
function whoWeAre(isReadOnly: boolean): { name: string; isReadOnly: boolean } {
  const terminal = terminalName();
  return { name: terminal === null ? userName() : `${userName()}@${terminal}`, isReadOnly };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without an entry, as in many containers.
    return `uid ${process.getuid?.() ?? '?'}`;
  }
}

/** `pts/3`; `null` where the system doesn't tell. */
function terminalName(): string | null {
  try {
    return readlinkSync('/proc/self/fd/0').replace(/^\/dev\//, '');
  } catch {
    // No /proc, as on macOS.
    return null;
  }
}

function summary({ store }: Session): string {
  const { totals, redis, history } = store.getState().model;
  const { processed, failed } = totals;
  const spooled =
    redis.state === 'up' ? undefined : history.findLast(({ type }) => type === 'outcomes.spooled');
  const rest = spooled?.type === 'outcomes.spooled' ? ` Redis is away: ${spoolWording(spooled).text}.` : '';
  return `resque-runner has stopped: ${processed} ${processed === 1 ? 'job' : 'jobs'} processed, ${failed} failed.${rest}`;
}

/** What an engine could not bring to its end, though it ended as it was told to; `null` where that isn't it. */
function unfinished({ store }: Session): string | null {
  const { engine, redis, totals } = store.getState().model;
  if (engine?.isStopped !== true || redis.state === 'up') return null;
  const { unwritten } = totals;
  const lost = unwritten === 0 ? '' : `, and doesn't know how ${plural(unwritten, 'job')} ended`;
  return `it has stopped, but Redis could not be told (${redis.reason ?? 'never connected'}): its workers are still registered there${lost}`;
}

function lastWords(pid: number, { exitCode, signal, stderr }: EngineEnd): string {
  const how = signal === null ? `ended with exit code ${exitCode ?? '(none)'}` : `was killed by ${signal}`;
  const said = stderr.trim().replace(/^resque-runner: /, '');
  return said === '' ? `the runner's process ${pid} ${how}` : said;
}

async function within(ended: Promise<EngineEnd>): Promise<EngineEnd | null> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), endLimitMs);
  });
  const end = await Promise.race([ended, limit]);
  clearTimeout(timer);
  return end;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
