/**
 * The shape of what servers send, as far as the client itself has to rely on it: what is inside snapshots,
 * events and outputs comes from a program of the same protocol version and is taken as it is.
 */
import type { CommandReply } from '../../protocol/commands.ts';
import type { EngineEvent } from '../../protocol/events.ts';
import type { ServerFrame, ServerHello } from '../../protocol/frames.ts';
import type { OutputBatch } from '../../protocol/output.ts';
import type { Snapshot } from '../../protocol/snapshot.ts';
import { linkMessages } from '../messages.ts';
import { FrameError, type RawFrame } from './frame-decoder.ts';

/**
 * @returns `null` for a type from a later version
 * @throws FrameError
 */
export function readServerFrame(raw: RawFrame): ServerFrame | null {
  switch (raw.type) {
    case 'hello':
      return readHello(raw);
    case 'refused':
      return { type: 'refused', message: textOf(raw, 'message') };
    case 'snapshot':
      return { type: 'snapshot', snapshot: objectOf(raw, 'snapshot') as unknown as Snapshot };
    case 'events':
      if (!Array.isArray(raw.events)) throw wrong(raw, 'events');
      return { type: 'events', events: raw.events as EngineEvent[] };
    case 'reply': {
      const reply = objectOf(raw, 'reply');
      if (typeof reply.ok !== 'boolean' || typeof reply.message !== 'string') throw wrong(raw, 'reply');
      return { type: 'reply', id: numberOf(raw, 'id'), reply: reply as unknown as CommandReply };
    }
    case 'output': {
      const batch = raw.batch === null ? null : objectOf(raw, 'batch');
      if (batch !== null && !Array.isArray(batch.pieces)) throw wrong(raw, 'batch');
      return { type: 'output', jobId: textOf(raw, 'jobId'), batch: batch as OutputBatch | null };
    }
    default:
      return null;
  }
}

/** Of any version: what it consists of has to last, so that a list of engines can show those of other releases. */
function readHello(raw: RawFrame): ServerHello {
  const { configFile, runners, isOwner } = raw;
  if (configFile !== null && typeof configFile !== 'string') throw wrong(raw, 'configFile');
  if (!Array.isArray(runners) || !runners.every((runner) => typeof runner === 'string')) {
    throw wrong(raw, 'runners');
  }
  if (typeof isOwner !== 'boolean') throw wrong(raw, 'isOwner');
  return {
    type: 'hello',
    protocol: numberOf(raw, 'protocol'),
    version: textOf(raw, 'version'),
    pid: numberOf(raw, 'pid'),
    configFile,
    workerHost: textOf(raw, 'workerHost'),
    runners,
    startedAtMs: numberOf(raw, 'startedAtMs'),
    isOwner,
  };
}

function textOf(raw: RawFrame, field: string): string {
  const value = raw[field];
  if (typeof value !== 'string') throw wrong(raw, field);
  return value;
}

function numberOf(raw: RawFrame, field: string): number {
  const value = raw[field];
  if (typeof value !== 'number') throw wrong(raw, field);
  return value;
}

function objectOf(raw: RawFrame, field: string): Readonly<Record<string, unknown>> {
  const value = raw[field];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(raw, field);
  return value as Readonly<Record<string, unknown>>;
}

function wrong(raw: RawFrame, field: string): FrameError {
  return new FrameError(linkMessages.wrongField(raw.type, field));
}
