/** A session of the screen: opens link and store, shows the screen, and prints what the user needs to know afterwards. */
import { LinkClient, type LinkEvents } from '../../link/client/client.ts';
import { wordingOf } from '../../messages/events.ts';
import { plural } from '../../messages/quantities.ts';
import { runnerName } from '../../messages/runners.ts';
import { visible } from '../../messages/visible.ts';
import type { UiEnd } from '../../ui/actions/action-context.ts';
import type { TerminalUiOptions } from '../../ui/main.ts';
import { exitCodes, OperatingError } from '../command-line/exit-codes.ts';
import type { TerminalIo } from '../command-line/io.ts';
import { shortPath } from '../files/load-config.ts';
import { openSession, type Session, whoWeAre } from './link-session.ts';
import { type EngineEnd, startOwnEngine } from './own-engine.ts';

export interface OwnUiOptions {
  /** The engine's command line, the same as for a headless runner. */
  readonly engineArgs: readonly string[];
  /** False if the engine can't run without this process, as in a demo. */
  readonly canLeaveRunning: boolean;
  readonly hasMouse: boolean;
  readonly isQuiet: boolean;
}

/** Exit codes after a signal, the same as in shells. */
export const signalCodes = { SIGHUP: 129, SIGINT: 130, SIGQUIT: 131, SIGTERM: 143 } as const;
/** How long to wait for an engine that has closed its link: it is about to end. */
const endLimitMs = 5_000;

export function loadUi(): Promise<typeof import('../../ui/main.ts')> {
  return import('../../ui/main.ts');
}

/** Starts an engine and shows it. @returns the exit code */
export async function runOwnUi(
  io: TerminalIo,
  { engineArgs, canLeaveRunning, hasMouse, isQuiet }: OwnUiOptions,
): Promise<number> {
  const engine = startOwnEngine(io.program, engineArgs);
  // In parallel with the start of the engine.
  const loading = loadUi();
  const connect = (events: LinkEvents) => LinkClient.over(engine.connection, whoWeAre(io, false), events);
  let session: Session;
  try {
    session = await openSession(connect);
  } catch (error) {
    // It could not even start: what it has to say is the reason.
    const end = await within(engine.ended);
    throw end === null ? error : new OperatingError(lastWords(engine.pid, end), { cause: error });
  }
  const end = await show(io, session, (await loading).runTerminalUi, {
    canLeaveRunning,
    hasMouse,
    isQuiet,
  });
  switch (end.kind) {
    case 'detached':
      session.client.disown();
      await session.client.close();
      engine.release();
      say(
        io,
        `resque-runner continues as process ${engine.pid}. To return to it: resque-runner attach${configArgument(io, session)}. To stop it when its jobs have ended: kill -QUIT ${engine.pid}`,
      );
      return exitCodes.clean;
    case 'signal':
      // The end of the connection makes the engine drain. An engine that needs this process has no time for that.
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
          `lost the connection to the runner (${end.reason}); the runner drained and stopped`,
        );
      }
      say(io, summary(session));
      return exitCodes.clean;
    }
  }
}

type RunTerminalUi = typeof import('../../ui/main.ts')['runTerminalUi'];

async function show(
  { stdin, stdout }: TerminalIo,
  { client, store, lost }: Session,
  runTerminalUi: RunTerminalUi,
  how: Pick<TerminalUiOptions, 'canLeaveRunning' | 'hasMouse' | 'isQuiet'>,
): Promise<UiEnd> {
  const options: TerminalUiOptions = {
    ...how,
    ...{ isReadOnly: false, isOwner: true, runnerUser: null, runnerName: runnerName(client.hello) },
    ...{ store, lost },
    send: (command) => client.send(command),
    watch: (jobId, onBatch) => client.watch(jobId, onBatch),
  };
  return await runTerminalUi(options, { stdin, stdout });
}

/** The last words about a runner that has stopped. */
export function summary({ store }: Pick<Session, 'store'>): string {
  const { totals, redis, history } = store.getState().model;
  const { processed, failed } = totals;
  const spooled =
    redis.state === 'up' ? undefined : history.findLast(({ type }) => type === 'outcomes.spooled');
  const rest = spooled === undefined ? '' : ` It ${wordingOf(spooled, null)?.text}.`;
  return `resque-runner has stopped: ${processed} ${processed === 1 ? 'job' : 'jobs'} processed, ${failed} failed.${rest}`;
}

/** What the engine couldn't finish although it stopped as asked; `null` if nothing. */
function unfinished({ store }: Session): string | null {
  const { engine, redis, totals } = store.getState().model;
  if (engine?.isStopped !== true || redis.state === 'up') return null;
  const { unwritten } = totals;
  const lost = unwritten === 0 ? '' : `, and ${plural(unwritten, 'outcome')} could not be recorded`;
  return `stopped without Redis (${redis.reason ?? 'never connected'}): its workers are still registered there${lost}`;
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

/** The config of this runner, so that the command finds this runner and no other. */
function configArgument(io: TerminalIo, { client }: Session): string {
  const { configFile } = client.hello;
  return configFile === null ? '' : ` ${visible(shortPath(io, configFile))}`;
}

export function say({ stdout }: TerminalIo, text: string): void {
  stdout.write(`${text}\n`);
}
