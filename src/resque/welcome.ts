/** The first words with a server: whether it can be reached, and is one that we may write to. */
import type { Redis } from './connection.ts';
import { RedisTrouble } from './trouble.ts';

/** Connects, or says why not. ioredis itself rejects with "Connection is closed" and emits the reason. */
export async function connected(connection: Redis): Promise<void> {
  let reason: unknown = null;
  connection.once('error', (error) => {
    reason = error;
  });
  try {
    await connection.connect();
  } catch (error) {
    throw reason ?? error;
  }
}

/** Which server it is, once it is one that we may write to. */
export async function welcome(commands: Redis): Promise<{ serverVersion: string; runId: string }> {
  let info: string;
  try {
    info = await commands.info();
  } catch (error) {
    // INFO may be forbidden; whether the rest is permitted shows when it is used.
    if (error instanceof Error && error.message.startsWith('NOPERM')) {
      return { serverVersion: 'unknown', runId: '' };
    }
    throw error;
  }
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
  if (field('loading') === '1') throw new RedisTrouble('away', 'it is loading its data');
  if (field('role') === 'slave' && field('slave_read_only') !== '0') {
    throw new RedisTrouble('readonly', 'it is a read-only replica');
  }
  return { serverVersion: field('redis_version'), runId: field('run_id') };
}
