import type { Script } from './script.ts';
import type { CommandSender } from './send.ts';

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
