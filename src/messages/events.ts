/**
 * What log and screen say about each event. All of these words are in this folder.
 *
 * Long because it is one table.
 */
import type { EngineEvent, FailureSummary, KillReason, PoolView } from '../protocol/events.ts';
import type { JobOutcome, JobView } from '../protocol/job.ts';
import { failureMessages } from './failures.ts';
import { metricsMessages } from './metrics.ts';
import { keptText, overrideMessages } from './overrides.ts';
import { duration, nextRunText, plural } from './quantities.ts';
import { queueMessages } from './queues.ts';
import { faultMessages, spoolMessages } from './redis-faults.ts';
import { schedulerMessages } from './scheduler.ts';
import { visibleWithin } from './visible.ts';

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
const queueLimit = 40;
const textLimit = 200;
/** A line that a job printed. */
const outputLineLimit = 4_000;

/**
 * @param job the event's job, if the event is about a job that was started
 * @returns `null` for events that the log leaves out: output, counters, and facts that other lines report
 */
export function wordingOf(event: EngineEvent, job: JobView | null): Wording | null {
  switch (event.type) {
    case 'engine.started': {
      const queues = event.runners.map(slots).join(', ');
      const namespace = event.namespace === 'resque' ? '' : `, namespace ${short(event.namespace)}`;
      return about(
        'runner',
        '●',
        'info',
        `resque-runner ${short(event.version)} started, pid ${event.pid}, as ${short(event.workerHost)}, ` +
          `${short(event.redis)}${namespace}, queues: ${visibleWithin(queues, 1_000)}`,
      );
    }
    case 'engine.stopping': {
      const by = operatorOf(event);
      return about(
        'runner',
        '●',
        'info',
        `${stopping(event.mode, event.running)}${by === '' ? '' : `; by ${by}`}`,
      );
    }
    case 'engine.stopped':
      return event.unwritten === 0
        ? about('runner', '●', 'info', `stopped; ${event.processed} processed, ${event.failed} failed`)
        : about(
            'runner',
            '●',
            'error',
            `stopped; ${event.processed} processed, ${event.failed} failed; ` +
              `${plural(event.unwritten, 'outcome')} could not be recorded in Redis`,
          );
    case 'redis.up':
      return event.awayMs === null
        ? about('redis', '●', 'info', `connected, version ${short(event.serverVersion)}`)
        : about(
            'redis',
            '●',
            'info',
            `back after ${duration(event.awayMs)}, version ${short(event.serverVersion)}`,
          );
    case 'redis.down':
      return about(
        'redis',
        '!',
        'error',
        `not usable: ${short(event.reason)}; running jobs continue, reconnecting`,
      );
    case 'steps.forgotten':
    case 'engine.declared-dead':
    case 'outcome.dropped':
    case 'engine.renamed':
    case 'counter.refused':
    case 'retries.refused':
      return about('redis', '!', 'warn', faultMessages(event));
    case 'runner.changed':
    case 'runner.throttled':
    case 'runner.unthrottled':
    case 'queues.paused':
    case 'queues.resumed':
    case 'queue.paused':
    case 'queue.resumed': {
      if ('isPart' in event && event.isPart === true) return null;
      const { subject, glyph, level, text } = queueMessages(event, operatorOf(event));
      return about(subject, glyph, level, text);
    }
    case 'job.started':
      return aboutJob(
        event.job.queue,
        event.job.id,
        '▸',
        'info',
        `started ${title(event.job.jobClass, event.job)}`,
      );
    case 'job.killed':
      return aboutJob(
        event.queue,
        event.jobId,
        '!',
        'warn',
        `sent ${event.signal}: ${killReason(event.reason, operatorOf(event))}`,
      );
    case 'job.finished':
      return finished(event, job);
    case 'output.logged':
      return aboutJob(
        event.queue,
        event.jobId,
        '·',
        outputLevel(event),
        visibleWithin(event.line, outputLineLimit),
      );
    case 'output.left-out':
      return aboutJob(
        event.queue,
        event.jobId,
        '·',
        outputLevel(event),
        event.lines === null
          ? 'further output is left out of the log'
          : `${plural(event.lines, 'line')} of output left out of the log`,
      );
    case 'failure.recorded':
      // `job.finished` has the failure of a job that ran.
      return event.failure.jobId === null
        ? about(
            event.failure.queue,
            '✗',
            'error',
            `failed ${title(event.failure.jobClass, null)} before it ran: ${failureText(event.failure)}`,
          )
        : null;
    case 'failures.retried':
    case 'failures.removed':
    case 'failures.trimmed':
    case 'notice.failed':
    case 'notice.dropped': {
      const { subject, glyph, level, text } = failureMessages(event, operatorOf(event));
      return about(subject, glyph, level, text);
    }
    case 'command.executed':
      return event.isDone
        ? about('command', '●', 'info', `${short(event.by)}: ${short(event.outcome)}`)
        : about(
            'command',
            '!',
            'warn',
            `${short(event.by)}: ${event.command} refused: ${short(event.outcome)}`,
          );
    case 'peer.recovered': {
      const { failed, requeued } = event;
      const ends = [
        ...(requeued > 0 ? [`${plural(requeued, 'job')} put back`] : []),
        ...(failed > 0 ? [`${plural(failed, 'job')} recorded as failed`] : []),
      ];
      return about(
        'runner',
        '!',
        'warn',
        `${short(event.peer)} died; ${ends.length === 0 ? 'no job was lost' : ends.join(', ')}`,
      );
    }
    case 'peer.deferred': {
      const { peer, pids, waitMs } = event;
      const which =
        pids.length === 0 ? '' : ` (${pids.length === 1 ? 'pid' : 'pids'} ${list(pids.map(String), ', ')})`;
      return about(
        'runner',
        '!',
        'warn',
        `${short(peer)} died, but its programs may still be running${which} and this user can't end them; ` +
          `its jobs wait up to ${Math.ceil(waitMs / 1_000)} s`,
      );
    }
    case 'outcomes.spooled':
    case 'outcomes.restored':
    case 'spool.failed':
      return { ...spoolMessages(event), subject: 'redis', jobId: null };
    case 'scheduler.changed':
    case 'jobs.undeliverable':
    case 'schedule.enqueued':
    case 'schedule.skipped':
    case 'schedule.failed': {
      const { glyph, level, text } = schedulerMessages(event);
      return about('scheduler', glyph, level, text);
    }
    case 'overrides.kept':
    case 'overrides.refused':
    case 'overrides.lost': {
      const { glyph, level, text } = overrideMessages(event);
      return about('config', glyph, level, text);
    }
    case 'config.reloaded': {
      const { changes, needsRestart, restartChanges = [], kept = [] } = event;
      const isWhole = needsRestart.length === 0;
      const applied =
        changes.length > 0
          ? `reloaded: ${list(changes)}`
          : `reloaded, nothing ${isWhole ? '' : 'else '}changed`;
      const rest = isWhole ? '' : `; restart the runner to apply the new ${list(restartChanges, ', ')}`;
      const byHand = kept.length === 0 ? '' : `; kept: ${keptText(kept)}`;
      return about('config', isWhole ? '●' : '!', isWhole ? 'info' : 'warn', applied + rest + byHand);
    }
    case 'config.rejected':
      return about(
        'config',
        '!',
        'error',
        `not reloaded, the old one is still in use: ${list(event.problems)}`,
      );
    case 'metrics.opened':
    case 'metrics.closed':
    case 'metrics.failed':
    case 'metrics.folded': {
      const { glyph, level, text } = metricsMessages(event);
      return about('metrics', glyph, level, text);
    }
    // `engine.started` and `config.reloaded` name pools. The queues of a pattern come and go.
    case 'runner.added':
    case 'runner.removed':
    case 'queue.added':
    case 'queue.removed':
    case 'queue.backlog':
    case 'job.printed':
    case 'failures.counted':
    case 'delayed.counted':
    case 'counters.changed':
    case 'queue.limited':
    case 'queues.measured':
      return null;
    default:
      event satisfies never;
      return null;
  }
}

/** The level of the job's end, if that is known. */
function outputLevel({ outcome }: { readonly outcome?: JobOutcome }): Level {
  if (outcome === undefined) return 'info';
  return outcome === 'failed' ? 'error' : 'warn';
}

/** About the log itself. */
export function lostLines(lines: number): Wording {
  const verb = lines === 1 ? 'is' : 'are';
  return about(
    'log',
    '!',
    'warn',
    `${plural(lines, 'line')} ${verb} missing here: STDOUT did not accept them`,
  );
}

function finished(event: EngineEvent & { type: 'job.finished' }, job: JobView | null): Wording {
  const what = title(event.jobClass, job);
  const took = duration(event.durationMs);
  const why = event.failure === null ? '' : `: ${failureText(event.failure)}`;
  const next = event.next === undefined ? '' : nextRunText(event.next, event.outcome === 'snoozed');
  switch (event.outcome) {
    case 'succeeded':
      return aboutJob(event.queue, event.jobId, '✓', 'info', `done ${what} in ${took}`);
    case 'requeued':
      return aboutJob(event.queue, event.jobId, '↺', 'warn', `requeued ${what} after ${took}`);
    case 'failed':
      return aboutJob(event.queue, event.jobId, '✗', 'error', `failed ${what} after ${took}${why}`);
    case 'retried':
      return aboutJob(event.queue, event.jobId, '↺', 'warn', `failed ${what} after ${took}, ${next}${why}`);
    case 'snoozed':
      return aboutJob(event.queue, event.jobId, '↺', 'info', `snoozed ${what} after ${took}, ${next}`);
  }
}

/** `CardError: card declined (exit code 1)` */
function failureText(failure: FailureSummary): string {
  const how =
    failure.signal === null
      ? failure.exitCode === null
        ? ''
        : ` (exit code ${failure.exitCode})`
      : ` (${visibleWithin(failure.signal, 20)})`;
  return `${visibleWithin(failure.exception, 80)}: ${short(failure.error.trim())}${how}`;
}

/** `SendMail ["bob",3]` */
function title(jobClass: string | null, job: JobView | null): string {
  const name = jobClass === null ? '(no class)' : visibleWithin(jobClass, classLimit);
  const args = job === null || job.args === '' ? '' : ` ${visibleWithin(job.args, argsLimit)}`;
  return `${name}${args}`;
}

/** The operator whose command caused the event; '' if there was none. */
function operatorOf({ operator }: EngineEvent): string {
  return operator === undefined ? '' : short(operator);
}

function killReason(reason: KillReason, by: string): string {
  switch (reason) {
    case 'operator':
      return `${by === '' ? 'an operator' : by} asked for it`;
    case 'signal':
      return 'the runner got USR1';
    case 'timeout':
      return 'it reached its timeout';
    case 'shutdown':
      return 'the runner is stopping';
    case 'taken-over':
      return 'another runner declared this one dead and put the job back';
  }
}

function stopping(mode: (EngineEvent & { type: 'engine.stopping' })['mode'], running: number): string {
  switch (mode) {
    case 'quit':
      return running === 0
        ? 'stopping'
        : `stopping: takes no more jobs, waits for ${plural(running, 'running job')}`;
    case 'terminate':
      return running === 0
        ? 'stopping'
        : `stopping: takes no more jobs, gives ${plural(running, 'running job')} time to finish`;
    case 'kill':
      return running === 0 ? 'stopping' : `stopping immediately: kills ${plural(running, 'running job')}`;
    case 'drained':
      return 'stopping: every queue is empty or paused';
  }
}

function slots(runner: PoolView): string {
  return `${runner.key} (${runner.concurrency})`;
}

function list(texts: readonly string[], separator = '; '): string {
  return visibleWithin(texts.join(separator), 1_000);
}

function short(text: string): string {
  return visibleWithin(text, textLimit);
}

function about(subject: string, glyph: Glyph, level: Level, text: string): Wording {
  return { level, glyph, subject: visibleWithin(subject, queueLimit), jobId: null, text };
}

function aboutJob(queue: string, jobId: string, glyph: Glyph, level: Level, text: string): Wording {
  return { level, glyph, subject: visibleWithin(queue, queueLimit), jobId: visibleWithin(jobId, 20), text };
}
