import type { CommandData, CommandReply, RefusalCode } from '../protocol/commands.ts';

export function done(message: string, data?: CommandData): CommandReply {
  return data === undefined ? { ok: true, message } : { ok: true, message, data };
}

export function refused(code: RefusalCode, message: string): CommandReply {
  return { ok: false, code, message };
}
