/**
 * What log and screen say about each event: one row for each type, from the runner's life to its metrics.
 *
 * Long because it is one table.
 */
import type {
  EngineEventType,
  EngineFact,
  FailureSummary,
  KillReason,
  OverrideView,
  PauseReason,
  ShutdownMode,
} from '../protocol/events.ts';
import type { JobOutcome, JobView } from '../protocol/job.ts';
import { duration, grouped, localMinute, nextRunText, plural } from './quantities.ts';
import { endOf, isTrouble, limitsText, ofEntry, pauseReason, slotsNow } from './queues.ts';
import { visible, visibleWithin } from './visible.ts';

export type Level = 'info' | 'warn' | 'error';
export type Glyph = '▸' | '✓' | '✗' | '!' | '‖' | '●' | '↺' | '·';

/** Colors of the glyphs, by their names in the terminal's palette. */
export const glyphColors = {
  '▸': 'cyan',
  '✓': 'green',
  '✗': 'red',
  '!': 'yellow',
  '‖': 'yellow',
  '●': 'blue',
  '↺': 'yellow',
  '·': 'gray',
} as const satisfies Record<Glyph, string>;

/** One line of the log, before it is laid out. All texts are safe to print as they are: see `visible`. */
export interface Wording {
  readonly level: Level;
  readonly glyph: Glyph;
  /** What the line is about: a queue, or `runner`, `redis`, `config`. */
  readonly subject: string;
  readonly jobId: string | null;
  readonly text: string;
}

/** With these limits, a line of the log with class and arguments fits into 100 columns. */
const classLimit = 24;
const argsLimit = 39;
const subjectLimit = 40;
const textLimit = 200;
const nameLimit = 60;
const listLimit = 1_000;
/** A line that a job printed. */
const outputLineLimit = 4_000;

type EventOf<T extends EngineEventType> = Extract<EngineFact, { type: T }>;
type Row = readonly [level: Level, glyph: Glyph, subject: string, text: string];
/**
 * The subject may be unsafe to print.
 *
 * @param by whose command caused the event; '' if it was none
 * @param job the event's job, if the event is about a job that was started
 */
type Words<E> = (event: E, by: string, job: JobView | null) => Row | null;

/** Types without a row are left out: output on screens, counters, and facts that other lines report. */
const rows: { readonly [T in EngineEventType]?: Words<EventOf<T>> } = {
  'engine.started': ({ version, pid, workerHost, namespace, redis, runners }) => {
    const queues = runners.map(({ key, concurrency }) => `${key} (${concurrency})`).join(', ');
    const where = `${short(redis)}${namespace === 'resque' ? '' : `, namespace ${short(namespace)}`}`;
    const who = `resque-runner ${short(version)} started, pid ${pid}, as ${short(workerHost)}`;
    return info('runner', `${who}, ${where}, queues: ${visibleWithin(queues, listLimit)}`);
  },
  'engine.stopping': ({ mode, running }, by) =>
    info('runner', `${stopping(mode, running)}${by === '' ? '' : `; by ${by}`}`),
  'engine.stopped': ({ processed, failed, unwritten }) => {
    const counts = `stopped; ${processed} processed, ${failed} failed`;
    if (unwritten === 0) return info('runner', counts);
    const text = `${counts}; ${plural(unwritten, 'outcome')} could not be recorded in Redis`;
    return ['error', '●', 'runner', text];
  },
  'redis.up': ({ awayMs, serverVersion }) => {
    const what = awayMs === null ? 'connected' : `back after ${duration(awayMs)}`;
    return info('redis', `${what}, version ${short(serverVersion)}`);
  },
  'redis.down': ({ reason }) =>
    error('redis', `not usable: ${short(reason)}; running jobs continue, reconnecting`),
  'steps.forgotten': ({ steps, isEverything, rewritten, running, settled }) => {
    const what = isEverything
      ? `came back without this runner's data (${plural(steps, 'step')})`
      : `came back with older data, without the last ${plural(steps, 'step')} of this runner`;
    const done = [
      ...(rewritten > 0 ? [`${plural(rewritten, 'outcome')} recorded again`] : []),
      ...(running > 0 ? [`${plural(running, 'running job')} recorded again`] : []),
      ...(settled > 0 ? [`${plural(settled, 'job')} with an unknown outcome settled`] : []),
    ];
    const details = done.length === 0 ? '' : `${done.join(', ')}; `;
    return warn('redis', `${what}; ${details}jobs that Redis hands out again will run again`);
  },
  'engine.declared-dead': ({ killed, dropped }) => {
    const done = [
      ...(killed > 0 ? [`killed ${plural(killed, 'running job')}`] : []),
      ...(dropped > 0 ? [`dropped ${plural(dropped, 'outcome')}`] : []),
    ];
    const what = 'another runner declared this one dead and recovered its jobs';
    const details = done.length === 0 ? '' : `: ${done.join(', ')}`;
    return warn('redis', `${what}${details}; continuing under a new registration`);
  },
  'retries.refused': ({ count }) =>
    warn(
      'redis',
      `${plural(count, 'retry', 'retries')} recorded as failed: a key of the delayed jobs is of the wrong type; find it with: resque-runner check`,
    ),
  'counter.refused': ({ reason }) =>
    warn('redis', `Redis didn't increase a counter; jobs continue: ${short(reason)}`),
  'outcomes.spooled': (event) =>
    warn('redis', `saved ${spoolContents(event)} to ${visible(event.file)} until Redis is back`),
  'outcomes.restored': (event) =>
    info('redis', `${short(event.peer)} stopped while Redis was away; ${restored(event)}`),
  'spool.failed': ({ file, count, reason }) => {
    const about = count > 0 ? ` (${plural(count, 'outcome')})` : '';
    return error('redis', `can't use ${visible(file)}${about}: ${short(reason)}`);
  },
  'runner.changed': ({ runner }, by) => {
    const { limit = null, rate = null } = runner.limits ?? {};
    const limits = limitsText(limit, rate);
    const changer = by === '' ? short(runner.override?.by ?? '') : by;
    const who = changer === '' ? '' : `, by ${changer}`;
    return info(runner.key, `slots: ${slotsNow(runner)}${who}${limits === '' ? '' : `; ${limits}`}`);
  },
  'runner.throttled': ({ runner, throttled }) =>
    warn(
      runner,
      throttled.shortage === null
        ? `throttled: a waiting child ended (${endOf(throttled)}); next start in ${duration(throttled.pauseMs)}`
        : `throttled: can't start more jobs; ${short(throttled.shortage)}`,
    ),
  'runner.unthrottled': ({ runner }) => info(runner, 'no longer throttled'),
  'queue.paused': ({ queue, pauses, isPart }) => (isPart === true ? null : paused(queue, pauses)),
  'queue.resumed': ({ queue, isPart }, by) => (isPart === true ? null : info(queue, `resumed${byWhom(by)}`)),
  'queues.paused': ({ runner, pauses }) => paused(runner ?? 'runner', ofEntry(pauses)),
  'queues.resumed': ({ runner }, by) =>
    runner === null
      ? info('runner', `resumed all queues${by === '' ? '' : `, by ${by}`}`)
      : info(runner, `resumed${byWhom(by)}`),
  'job.started': ({ job }) => ['info', '▸', job.queue, `started ${title(job.jobClass, job)}`],
  'job.killed': ({ queue, signal, reason }, by) => {
    const why = reason === 'operator' && by !== '' ? `${by} asked for it` : killReasons[reason];
    return warn(queue, `sent ${signal}: ${why}`);
  },
  'job.finished': (event, _, job) => finished(event, job),
  'output.logged': (event) => [
    outputLevel(event),
    '·',
    event.queue,
    visibleWithin(event.line, outputLineLimit),
  ],
  'output.left-out': (event) => {
    const { lines } = event;
    const text =
      lines === null
        ? 'further output is left out of the log'
        : `${plural(lines, 'line')} of output left out of the log`;
    return [outputLevel(event), '·', event.queue, text];
  },
  'failure.recorded': ({ failure }) => {
    // `job.finished` has the failure of a job that ran.
    if (failure.jobId !== null) return null;
    const text = `failed ${title(failure.jobClass, null)} before it ran: ${failureText(failure)}`;
    return ['error', '✗', failure.queue, text];
  },
  'failures.retried': (event, by) => changed('↺', 'retried', event, by),
  'failures.removed': (event, by) => changed('●', 'removed', event, by),
  'failures.trimmed': ({ count, day, limit }) => {
    const which = count === 1 ? 'the oldest failure was' : `the ${grouped(count)} oldest failures were`;
    const text = `${which} removed on ${short(day)} (UTC): "failedLimit" is ${grouped(limit)}`;
    return info('failures', text);
  },
  'notice.failed': ({ runner, count, reason }) => {
    const often = count === 1 ? '' : ` ${grouped(count)} times, most recently`;
    return warn(runner, `"onFailure" failed${often}: ${short(reason)}`);
  },
  'notice.dropped': ({ runner, count, reason }) => {
    const why =
      reason === 'busy' ? 'too many jobs fail at the same time' : 'the runner stops before it could run';
    return warn(runner, `"onFailure" was not run for ${plural(count, 'failure')}: ${why}`);
  },
  'command.executed': ({ by, command, isDone, outcome }) =>
    isDone
      ? info('command', `${short(by)}: ${short(outcome)}`)
      : warn('command', `${short(by)}: ${command} refused: ${short(outcome)}`),
  'peer.recovered': ({ peer, failed, requeued }) => {
    const ends = [
      ...(requeued > 0 ? [`${plural(requeued, 'job')} put back`] : []),
      ...(failed > 0 ? [`${plural(failed, 'job')} recorded as failed`] : []),
    ];
    return warn('runner', `${short(peer)} died; ${ends.length === 0 ? 'no job was lost' : ends.join(', ')}`);
  },
  'peer.deferred': ({ peer, pids, waitMs }) => {
    const which =
      pids.length === 0 ? '' : ` (${pids.length === 1 ? 'pid' : 'pids'} ${list(pids.map(String), ', ')})`;
    return warn(
      'runner',
      `${short(peer)} died, but its programs may still be running${which} and this user can't end them; ` +
        `its jobs wait up to ${Math.ceil(waitMs / 1_000)} s`,
    );
  },
  'scheduler.changed': ({ state, detail }) => {
    if (state === 'failing')
      return error('scheduler', `can't move delayed jobs: ${short(detail)}; trying again`);
    return info(
      'scheduler',
      state === 'moving'
        ? 'moves delayed jobs to their queues'
        : `stands by, because ${short(detail)} moves delayed jobs`,
    );
  },
  'jobs.undeliverable': ({ count, key }) => {
    const jobs = plural(count, 'delayed job');
    return warn('scheduler', `${jobs} could not be moved to a queue; see the list ${short(key)}`);
  },
  'schedule.enqueued': ({ name, queue, jobClass }) => {
    const text = `schedule ${nameOf(name)} enqueued ${nameOf(jobClass)} on ${nameOf(queue)}`;
    return ['info', '▸', 'scheduler', text];
  },
  'schedule.skipped': ({ name, queue }) =>
    info(
      'scheduler',
      `schedule ${nameOf(name)} enqueued nothing: the same job is still waiting on ${nameOf(queue)}`,
    ),
  'schedule.failed': ({ name, reason }) => {
    const what = name === '' ? "can't read the schedules in Redis" : `can't enqueue schedule ${nameOf(name)}`;
    return error('scheduler', `${what}: ${short(reason)}`);
  },
  'overrides.kept': ({ kept }) =>
    info(
      'config',
      `kept from before: ${keptText(kept)}; to go back to the config: resque-runner reset --all`,
    ),
  'overrides.refused': ({ reason }) =>
    warn(
      'config',
      `pauses and slots set by hand won't survive a restart: Redis doesn't keep them: ${short(reason)}`,
    ),
  'config.reloaded': ({ changes, needsRestart, restartChanges = needsRestart, kept = [] }) => {
    const isWhole = needsRestart.length === 0;
    const applied =
      changes.length > 0
        ? `reloaded: ${list(changes)}`
        : `reloaded, nothing ${isWhole ? '' : 'else '}changed`;
    const rest = isWhole ? '' : `; restart the runner to apply the new ${list(restartChanges, ', ')}`;
    const text = `${applied}${rest}${kept.length === 0 ? '' : `; kept: ${keptText(kept)}`}`;
    return isWhole ? info('config', text) : warn('config', text);
  },
  'config.rejected': ({ problems }) =>
    error('config', `not reloaded, the old one is still in use: ${list(problems)}`),
  'metrics.opened': ({ address }) => info('metrics', `at ${short(address)}`),
  'metrics.closed': ({ address }) => info('metrics', `off, no longer at ${short(address)}`),
  'metrics.failed': ({ address, reason }) =>
    error('metrics', `${short(cannotListen(address, reason))}; metrics are off until the next reload`),
  'metrics.folded': ({ label, limit }) => {
    const kind = label === 'queue' ? 'queues' : 'classes';
    return warn(
      'metrics',
      `more than ${grouped(limit)} ${kind}: the others share the label ${label}="other"`,
    );
  },
};

/** @returns `null` for events that the log leaves out */
export function wordingOf(
  event: EngineFact & { readonly operator?: string },
  job: JobView | null,
): Wording | null {
  const words = rows[event.type] as Words<EngineFact> | undefined;
  const by = event.operator === undefined ? '' : short(event.operator);
  const row = words?.(event, by, job) ?? null;
  if (row === null) return null;
  const jobId = event.type === 'job.started' ? event.job.id : 'jobId' in event ? event.jobId : null;
  return wording(row, jobId);
}

/** About the log itself. */
export function lostLines(lines: number): Wording {
  const verb = lines === 1 ? 'is' : 'are';
  const text = `${plural(lines, 'line')} ${verb} missing here: STDOUT did not accept them`;
  return wording(warn('log', text), null);
}

function wording([level, glyph, subject, text]: Row, jobId: string | null): Wording {
  return {
    ...{ level, glyph, subject: visibleWithin(subject, subjectLimit) },
    ...{ jobId: jobId === null ? null : visibleWithin(jobId, 20), text },
  };
}

function info(subject: string, text: string): Row {
  return ['info', '●', subject, text];
}

function warn(subject: string, text: string): Row {
  return ['warn', '!', subject, text];
}

function error(subject: string, text: string): Row {
  return ['error', '!', subject, text];
}

function paused(subject: string, pauses: readonly PauseReason[]): Row {
  const text = `paused: ${pauses.map((pause) => pauseReason(pause)).join('; ')}`;
  return [pauses.some(isTrouble) ? 'warn' : 'info', '‖', subject, text];
}

/** The level of the job's end, if that is known. */
function outputLevel({ outcome }: { readonly outcome?: JobOutcome }): Level {
  if (outcome === undefined) return 'info';
  return outcome === 'failed' ? 'error' : 'warn';
}

const ends = {
  succeeded: ['info', '✓', 'done'],
  requeued: ['warn', '↺', 'requeued'],
  failed: ['error', '✗', 'failed'],
  retried: ['warn', '↺', 'failed'],
  snoozed: ['info', '↺', 'snoozed'],
} as const satisfies Record<JobOutcome, readonly [level: Level, glyph: Glyph, verb: string]>;

function finished(event: EventOf<'job.finished'>, job: JobView | null): Row {
  const { queue, outcome, failure } = event;
  const [level, glyph, verb] = ends[outcome];
  const when = `${outcome === 'succeeded' ? 'in' : 'after'} ${duration(event.durationMs)}`;
  const next = event.next === undefined ? '' : `, ${nextRunText(event.next, outcome === 'snoozed')}`;
  const why = failure === null ? '' : `: ${failureText(failure)}`;
  return [level, glyph, queue, `${verb} ${title(event.jobClass, job)} ${when}${next}${why}`];
}

/** `CardError: card declined (exit code 1)` */
function failureText({ exception, error: text, exitCode, signal }: FailureSummary): string {
  const end = signal === null ? `exit code ${exitCode}` : visibleWithin(signal, 20);
  const how = signal === null && exitCode === null ? '' : ` (${end})`;
  return `${visibleWithin(exception, 80)}: ${short(text.trim())}${how}`;
}

/** `SendMail ["bob",3]` */
function title(jobClass: string | null, job: JobView | null): string {
  const name = jobClass === null ? '(no class)' : visibleWithin(jobClass, classLimit);
  const args = job === null || job.args === '' ? '' : ` ${visibleWithin(job.args, argsLimit)}`;
  return `${name}${args}`;
}

const killReasons = {
  operator: 'an operator asked for it',
  signal: 'the runner got USR1',
  timeout: 'it reached its timeout',
  shutdown: 'the runner is stopping',
  'taken-over': 'another runner declared this one dead and put the job back',
} as const satisfies Record<KillReason, string>;

function stopping(mode: ShutdownMode, running: number): string {
  if (mode === 'drained') return 'stopping: every queue is empty or paused';
  if (running === 0) return 'stopping';
  const jobs = plural(running, 'running job');
  if (mode === 'kill') return `stopping immediately: kills ${jobs}`;
  const rest = mode === 'quit' ? `waits for ${jobs}` : `gives ${jobs} time to finish`;
  return `stopping: takes no more jobs, ${rest}`;
}

/** A change in one queue is about that queue. Otherwise the text names the queues. */
function changed(
  glyph: '↺' | '●',
  verb: string,
  { count, queues, jobClass }: EventOf<'failures.retried' | 'failures.removed'>,
  by: string,
): Row {
  const what = count === 1 ? `the failed ${title(jobClass, null)}` : `${count} failures`;
  const who = by === '' ? '' : `, by ${by}`;
  const [queue] = queues;
  if (queue !== undefined && queues.length === 1) return ['info', glyph, queue, `${verb} ${what}${who}`];
  const where = queues.length === 0 ? '' : ` of ${list(queues)}`;
  return ['info', glyph, 'failures', `${verb} ${what}${where}${who}`];
}

interface SpoolCounts {
  readonly count: number;
  readonly unrun: number;
}

/** What a spool file holds: `3 outcomes and up to 1 job that was taken but not started`. */
export function spoolContents({ count, unrun }: SpoolCounts): string {
  const outcomes = plural(count, 'outcome');
  const jobs = `up to ${plural(unrun, 'job')} that ${unrun === 1 ? 'was' : 'were'} taken but not started`;
  if (unrun === 0) return outcomes;
  return count === 0 ? jobs : `${outcomes} and ${jobs}`;
}

function restored({ count, unrun }: SpoolCounts): string {
  const outcomes = `${plural(count, 'outcome')} ${count === 1 ? 'is' : 'are'} recorded now`;
  const back = unrun === 1 ? 'is back on its queue' : 'are back on their queues';
  const jobs = `${spoolContents({ count: 0, unrun })} ${back}`;
  if (unrun === 0) return outcomes;
  return count === 0 ? jobs : `${outcomes}, and ${jobs}`;
}

/** `mail paused by ann@pts/3 since 2026-11-24 15:20; images 8 slots instead of 4, by bob since 2026-11-24 16:02` */
function keptText(kept: readonly OverrideView[]): string {
  return list(
    kept.map((override) => {
      const who = whoAndWhen(override);
      if (override.kind === 'pause')
        return `${override.queue === null ? 'every queue' : nameOf(override.queue)} paused ${who}`;
      const { runner, slots, configured } = override;
      return `${nameOf(runner)} ${plural(slots, 'slot')} instead of ${configured}, ${who}`;
    }),
  );
}

function whoAndWhen({ by, sinceMs }: { readonly by: string; readonly sinceMs: number }): string {
  return `by ${by === '' ? 'hand' : nameOf(by)} since ${localMinute(sinceMs)}`;
}

/** Also the error of a start. */
export function cannotListen(address: string, reason: string): string {
  return `can't listen at ${address}: ${reason}`;
}

function byWhom(by: string): string {
  return by === '' ? '' : ` by ${by}`;
}

function list(texts: readonly string[], separator = '; '): string {
  return visibleWithin(texts.join(separator), listLimit);
}

function short(text: string): string {
  return visibleWithin(text, textLimit);
}

function nameOf(name: string): string {
  return visibleWithin(name, nameLimit);
}
