/** The shape of what clients send. */
import { type ClientFrame, protocolVersion } from '../../protocol/frames.ts';
import { linkMessages } from '../messages.ts';
import { FrameError, type RawFrame } from './frame-decoder.ts';

/** A malformed command gets a reply, so it is looked at later. */
export type ReadClientFrame =
  | Exclude<ClientFrame, { type: 'command' }>
  | { readonly type: 'command'; readonly id: number; readonly command: unknown };

/**
 * @returns `null` for a type from a later version
 * @throws FrameError
 */
export function readClientFrame(raw: RawFrame): ReadClientFrame | null {
  switch (raw.type) {
    case 'hello':
      return readHello(raw);
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
      return null;
  }
}

function readHello(raw: RawFrame): ReadClientFrame {
  const { protocol, name, isReadOnly } = raw;
  if (typeof protocol !== 'number') throw wrong(raw, 'protocol');
  // Other versions may say other things of themselves: all that is to be known is that they don't fit.
  if (protocol !== protocolVersion) return { type: 'hello', protocol, name: '', isReadOnly: true };
  if (typeof name !== 'string') throw wrong(raw, 'name');
  if (typeof isReadOnly !== 'boolean') throw wrong(raw, 'isReadOnly');
  return { type: 'hello', protocol, name, isReadOnly };
}

function wrong(raw: RawFrame, field: string): FrameError {
  return new FrameError(linkMessages.wrongField(raw.type, field));
}
