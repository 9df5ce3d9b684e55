import type { Redis } from './connection.ts';
import type { Script } from './script.ts';

/** Whatever has a connection: a session, or one short talk. Rejects with RedisTrouble. */
export interface CommandSender {
  command<T>(send: (commands: Redis) => Promise<T>): Promise<T>;
}

/** EVALSHA, and EVAL where Redis doesn't know the script (yet, or after SCRIPT FLUSH). Rejects with RedisTrouble. */
export function runScript(
  session: CommandSender,
  script: Script,
  keyCount: number,
  args: readonly (string | Buffer | number)[],
): Promise<unknown> {
  return session.command(async (commands) => {
    try {
      return await commands.callBuffer('EVALSHA', [script.sha1, keyCount, ...args]);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return await commands.callBuffer('EVAL', [script.source, keyCount, ...args]);
    }
  });
}
