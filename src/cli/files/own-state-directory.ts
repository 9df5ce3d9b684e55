import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** For what must outlive a runner: `$XDG_STATE_HOME/resque-runner`, else `~/.local/state/resque-runner`. */
export function ownStateDirectory(env: NodeJS.ProcessEnv = process.env, home: string = homedir()): string {
  const state = env.XDG_STATE_HOME ?? '';
  return join(isAbsolute(state) ? state : join(home, '.local', 'state'), 'resque-runner');
}
