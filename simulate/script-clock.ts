/**
 * Scripts see simulated time. TIME in Lua is the clock of the real server, so each script runs with a `redis` of its own,
 * which answers TIME with an argument that is added to the script's others.
 */
import { createHash } from 'node:crypto';
import { type Command, commandBytes } from './resp.ts';

/** On the line where the script begins, so that the lines of its errors stay. */
const wrapper = [
  'local real, clock = redis, table.remove(ARGV)',
  'local function timed(f) return function(name, ...)',
  "if name ~= 'TIME' then return f(name, ...) end",
  "return { clock:match('^%d+'), clock:match('%d+$') } end end",
  'local redis = setmetatable({ call = timed(real.call), pcall = timed(real.pcall) }, { __index = real })',
].join(' ');

export class ScriptClock {
  /** By the SHA-1 that runners know: the SHA-1 of the wrapped script. */
  readonly #wrapped = new Map<string, string>();

  /** @returns what the real server is sent instead of this command */
  bytesOf({ name, args, bytes }: Command, now: readonly Buffer[]): Buffer {
    const [script, ...rest] = args;
    const time = now.join(' ');
    if (name === 'EVAL' && script !== undefined) {
      const source = `${wrapper} ${script.toString()}`;
      this.#wrapped.set(sha1Of(script), sha1Of(source));
      return commandBytes([name, source, ...rest, time]);
    }
    const sha1 = name === 'EVALSHA' ? this.#wrapped.get(String(script)) : undefined;
    // The server doesn't know it.
    if (sha1 === undefined) return bytes;
    return commandBytes([name, sha1, ...rest, time]);
  }
}

function sha1Of(text: string | Buffer): string {
  return createHash('sha1').update(text).digest('hex');
}
