/**
 * The shapes of frames. A server checks everything that a client sends. A client checks only what it relies on itself: the
 * contents of snapshots, events and outputs come from a program of the same protocol version.
 */
import type { CommandReply } from '../../protocol/commands.ts';
import type { EngineEvent } from '../../protocol/events.ts';
import {
  type ClientFrame,
  type HealthView,
  protocolVersion,
  type ServerFrame,
  type ServerHello,
} from '../../protocol/frames.ts';
import type { OutputBatch } from '../../protocol/job.ts';
import type { Snapshot } from '../../protocol/snapshot.ts';
import { linkMessages } from '../link-errors.ts';
import { FrameError, type RawFrame } from './frame-codec.ts';

/** `readCommand` checks commands later, because a malformed one gets a reply. */
export type ReadClientFrame =
  | Exclude<ClientFrame, { type: 'command' }>
  | { readonly type: 'command'; readonly id: number; readonly command: unknown };

/** @throws FrameError */
export function readClientFrame(raw: RawFrame): ReadClientFrame {
  switch (raw.type) {
    case 'hello':
      return readClientHello(raw);
    case 'command':
      if (!Number.isSafeInteger(raw.id)) throw wrong(raw, 'id');
      return { type: 'command', id: raw.id as number, command: raw.command };
    case 'watch':
    case 'unwatch':
      if (typeof raw.jobId !== 'string') throw wrong(raw, 'jobId');
      return { type: raw.type, jobId: raw.jobId };
    case 'disown':
      return { type: 'disown' };
    default:
      throw new FrameError(linkMessages.unknownFrame(raw.type));
  }
}

function readClientHello(raw: RawFrame): ReadClientFrame {
  const { protocol, name, isReadOnly } = raw;
  if (typeof protocol !== 'number') throw wrong(raw, 'protocol');
  // Another version may have other fields; only the mismatch matters.
  if (protocol !== protocolVersion) return { type: 'hello', protocol, name: '', isReadOnly: true };
  if (typeof name !== 'string') throw wrong(raw, 'name');
  if (typeof isReadOnly !== 'boolean') throw wrong(raw, 'isReadOnly');
  return { type: 'hello', protocol, name, isReadOnly };
}

/** @throws FrameError */
export function readServerFrame(raw: RawFrame): ServerFrame {
  switch (raw.type) {
    case 'hello':
      return readServerHello(raw);
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
      throw new FrameError(linkMessages.unknownFrame(raw.type));
  }
}

/** Of any version: these fields, except health, must stay the same, because a list of runners shows all releases. */
function readServerHello(raw: RawFrame): ServerHello {
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
    health: readHealth(raw),
  };
}

function readHealth(raw: RawFrame): HealthView {
  if (raw.protocol !== protocolVersion) return { notAlive: [], notReady: [] };
  const { notAlive, notReady } = objectOf(raw, 'health');
  if (!isTexts(notAlive) || !isTexts(notReady)) throw wrong(raw, 'health');
  return { notAlive, notReady };
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
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
