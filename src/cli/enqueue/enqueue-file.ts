import { plural } from '../../messages/quantities.ts';
import { visibleWithin } from '../../messages/visible.ts';
import { UsageError } from '../command-line/exit-codes.ts';
import {
  headStep,
  type LastStep,
  type LineStep,
  lineSteps,
  mostBytes,
  mostJobs,
  type WrongStep,
} from './enqueue-steps.ts';
import { FileLines } from './file-lines.ts';
import type { Input } from './input.ts';
import { type Looked, lookThrough } from './look-through.ts';
import type { FileSource } from './request.ts';
import { lineCursorText, ResumePoint, readLineCursor } from './resume-point.ts';
import type { EnqueueSession } from './session.ts';

/** Enqueues the jobs of a file. @returns the exit code */
export async function enqueueFile(
  session: EnqueueSession,
  input: Input,
  source: FileSource,
): Promise<number> {
  const { stop, report, request } = session;
  const resumePoint = await begin(session, input, source);
  report.line = resumePoint.first - 1;
  if (source.file === '-' && session.io.stdin.isTTY === true) {
    session.tell(
      'type one job per line, such as {"class": "SendMail", "args": ["bob"]}; press Ctrl-D to finish',
    );
  }
  if (input.size === null && !request.atHead) {
    const steps = lineSteps(input.chunks(), new FileLines(), resumePoint);
    return await enqueueSteps(session, steps, null);
  }
  const kept = request.atHead ? [] : null;
  const looked = await look(session, input, resumePoint, kept);
  if (stop.signal.aborted) return await report.stopped(stop.exitCode, true);
  if (looked.wrong.length > 0) return await report.wrongLines(looked.wrong, looked.moreWrong);
  if (kept !== null) {
    if (looked.last !== null) await session.add(headStep(kept, lineCursorText(looked.last)));
    report.line = looked.lines;
    return await report.complete();
  }
  if (looked.jobs > mostJobs || (looked.jobs > 1 && looked.bytes > mostBytes)) session.announce(looked.jobs);
  const lines = new FileLines({ first: resumePoint.first, offset: looked.start });
  const steps = lineSteps(input.chunks(looked.start, looked.end), lines, resumePoint);
  return await enqueueSteps(session, steps, looked);
}

async function begin(session: EnqueueSession, input: Input, { fromLine }: FileSource): Promise<ResumePoint> {
  const text = await session.begin(lineCursorText({ line: fromLine - 1, end: 0, sha1: '' }));
  if (text === null) return new ResumePoint(input.name, fromLine, null);
  const cursor = readLineCursor(text);
  const id = session.request.resumedId;
  if (cursor === null) throw new UsageError(`the enqueue ${id} was of one job, not of a file`);
  const next = cursor.line + 1;
  if (fromLine > next) {
    throw new UsageError(
      `--resume ${id} continues at line ${next}, but --from-line is ${fromLine}; omit one of them`,
    );
  }
  return new ResumePoint(input.name, next, cursor);
}

async function look(
  session: EnqueueSession,
  input: Input,
  resumePoint: ResumePoint,
  kept: Buffer[] | null,
): Promise<Looked> {
  const { stop } = session;
  let read = 0;
  const said = () => `${Math.round(read / 1e6)} of ${Math.round((input.size ?? read) / 1e6)} MB`;
  const progress = session.show(`checking ${visibleWithin(input.name, 30)}`, input.size, said);
  const onRead = (bytes: number) => {
    read = bytes;
    progress.update(bytes);
    return !stop.signal.aborted;
  };
  try {
    return await lookThrough(stop.until(input.chunks()), { name: input.name, resumePoint, kept, onRead });
  } finally {
    session.hideProgress();
  }
}

/** @param looked the result of the check; `null` for a pipe, which can't be checked first */
async function enqueueSteps(
  session: EnqueueSession,
  steps: AsyncIterable<LineStep | WrongStep | LastStep>,
  looked: Looked | null,
): Promise<number> {
  const { stop, report } = session;
  const ending = await addSteps(session, steps, looked);
  if (ending === null) return await report.stopped(stop.exitCode, true);
  if (ending.kind === 'wrong') return await report.wrongLine(ending.wrong);
  report.line = ending.lines;
  return await report.complete();
}

/** @returns how the steps ended; `null` if a signal came first */
async function addSteps(
  session: EnqueueSession,
  steps: AsyncIterable<LineStep | WrongStep | LastStep>,
  looked: Looked | null,
): Promise<WrongStep | LastStep | null> {
  const { stop, report } = session;
  const total = looked === null ? null : looked.end - looked.start;
  const progress = session.show('enqueuing', total, () => plural(session.enqueued, 'job'));
  let isAnnounced = looked !== null;
  try {
    for await (const item of stop.until(steps)) {
      if (item.kind !== 'step') return item;
      if (!isAnnounced && (item.isFull || session.enqueued > 0)) {
        session.announce(null);
        isAnnounced = true;
      }
      await session.add(item.step);
      report.line = item.line;
      progress.update(looked === null ? session.enqueued : item.end - looked.start);
    }
    return null;
  } finally {
    session.hideProgress();
  }
}
