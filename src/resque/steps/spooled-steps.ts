/**
 * Steps that a runner process could not send, as lines of text and back. The lines have everything that another process
 * needs to send the steps.
 *
 * They hold outcomes and not the script's ARGV: a file may be read by a newer version, whose script takes other arguments.
 */
import { asObject, parsedJson } from '../format/json.ts';
import type { HeldJob, OutcomeWrite, ReturnWrite, StartWrite, StepOwner } from './step.ts';

export interface SpooledStep {
  /** Number of the step in its process. */
  readonly step: number;
  readonly outcomes: readonly OutcomeWrite[];
  readonly returns: readonly ReturnWrite[];
  readonly starts?: readonly StartWrite[];
  /** Workers of reservations whose reply never came. None of those jobs has run. */
  readonly unrun: readonly { readonly worker: string; readonly isHeld: boolean }[];
}

export interface SpooledSteps {
  readonly owner: StepOwner;
  /** In their order. */
  readonly steps: readonly SpooledStep[];
}

/** Number of outcomes and returned jobs. */
export function entryCount(steps: readonly SpooledStep[]): number {
  return steps.reduce((count, { outcomes, returns }) => count + outcomes.length + returns.length, 0);
}

export function stepLines(steps: readonly SpooledStep[]): string[] {
  return steps.flatMap(({ step, outcomes, returns, starts = [], unrun }) => [
    // Even for an empty step: no number may be skipped.
    JSON.stringify({ step, kind: 'step' }),
    ...outcomes.map((outcome) => JSON.stringify({ step, ...outcomeFields(outcome) })),
    ...returns.map(({ queue, payload, isHeld }) =>
      JSON.stringify({
        step,
        kind: 'return',
        queue,
        payload: payload.toString('base64'),
        isHeld: isHeld === true,
      }),
    ),
    ...starts.map((start) => JSON.stringify({ step, kind: 'start', ...start })),
    ...unrun.map(({ worker, isHeld }) => JSON.stringify({ step, kind: 'unrun', worker, isHeld })),
  ]);
}

function outcomeFields(outcome: OutcomeWrite): object {
  const { kind, worker, takenIn, share } = outcome;
  const held = outcome.held
    ? { queue: outcome.held.queue, payload: outcome.held.payload.toString('base64') }
    : null;
  const about = {
    kind,
    worker,
    takenIn,
    held,
    ...(outcome.statusName ? { statusName: outcome.statusName } : {}),
    ...(outcome.pluginKeys ? { pluginKeys: outcome.pluginKeys } : {}),
    ...(share === undefined ? {} : { share }),
  };
  switch (kind) {
    case 'success':
      return about;
    case 'failure':
      return { ...about, record: Buffer.from(outcome.record).toString('base64') };
    case 'requeue':
      return { ...about, queue: outcome.queue, payload: outcome.payload.toString('base64') };
    case 'retry':
    case 'snooze': {
      const { dueSeconds, item, entry, record } = outcome;
      return { ...about, dueSeconds, item, entry, instead: record };
    }
  }
}

type Draft = {
  step: number;
  outcomes: OutcomeWrite[];
  returns: ReturnWrite[];
  starts?: StartWrite[];
  unrun: { worker: string; isHeld: boolean }[];
};

/** @returns the steps in order; `null` if a line is unknown */
export function readStepLines(lines: readonly string[]): SpooledStep[] | null {
  const drafts = new Map<number, Draft>();
  for (const line of lines) {
    const value = asObject(parsedJson(line));
    const step = numberOf(value?.step);
    if (value === null || step === null) return null;
    const draft = drafts.get(step) ?? { step, outcomes: [], returns: [], unrun: [] };
    drafts.set(step, draft);
    if (!take(draft, value)) return null;
  }
  return [...drafts.values()].sort((a, b) => a.step - b.step);
}

/** @returns false if the value is not a part of a step */
function take(draft: Draft, value: Readonly<Record<string, unknown>>): boolean {
  const { kind, worker, queue } = value;
  const payload = bytesOf(value.payload);
  const record = bytesOf(value.record);
  const held = heldOf(value.held);
  // Older versions leave it out.
  const takenIn = numberOf(value.takenIn);
  const statusName = typeof value.statusName === 'string' ? { statusName: value.statusName } : {};
  const pluginKeys = typeof value.pluginKeys === 'string' ? { pluginKeys: value.pluginKeys } : {};
  const share = typeof value.share === 'string' ? { share: value.share } : {};
  if (kind === 'step') return true;
  if (kind === 'return') {
    if (typeof queue !== 'string' || payload === null) return false;
    draft.returns.push({ queue, payload, isHeld: value.isHeld === true });
    return true;
  }
  if (typeof worker !== 'string') return false;
  if (kind === 'start') {
    draft.starts = [...(draft.starts ?? []), { worker, takenIn, pluginKeys: '', ...pluginKeys }];
    return true;
  }
  if (kind === 'unrun') {
    draft.unrun.push({ worker, isHeld: value.isHeld === true });
    return true;
  }
  if (held === undefined) return false;
  const about = { worker, takenIn, held, ...statusName, ...pluginKeys, ...share };
  if (kind === 'success') draft.outcomes.push({ kind, ...about });
  else if (kind === 'failure' && record !== null) draft.outcomes.push({ kind, ...about, record });
  else if (kind === 'requeue' && typeof queue === 'string' && payload !== null) {
    draft.outcomes.push({ kind, ...about, queue, payload });
  } else if (kind === 'retry' || kind === 'snooze') {
    const { item, entry, instead } = value;
    const dueSeconds = numberOf(value.dueSeconds);
    const areTexts = typeof item === 'string' && typeof entry === 'string' && typeof instead === 'string';
    if (dueSeconds === null || !areTexts) return false;
    draft.outcomes.push({ kind, ...about, dueSeconds, item, entry, record: instead });
  } else return false;
  return true;
}

/** @returns `null` without a held job, `undefined` if the value is invalid */
function heldOf(value: unknown): HeldJob | null | undefined {
  if (value === null || value === undefined) return null;
  if (typeof value !== 'object') return undefined;
  const { queue, payload } = value as { queue?: unknown; payload?: unknown };
  const bytes = bytesOf(payload);
  return typeof queue === 'string' && bytes !== null ? { queue, payload: bytes } : undefined;
}

function bytesOf(value: unknown): Buffer | null {
  return typeof value === 'string' ? Buffer.from(value, 'base64') : null;
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : null;
}
