/**
 * Scripts see simulated time. TIME in Lua is the clock of the real server, so each script runs with a `redis` of its own,
 * which answers TIME with an argument that is added to the script's others. Keys that expire within a day are noted in
 * `expiringKey` instead: the simulated server removes them at their time. PTTL says that they have none, so runners renew
 * their locks at each look.
 */
import { createHash } from 'node:crypto';
import { type Command, commandBytes, isError, type Reply } from './resp.ts';

/** A sorted set, emptied after each script: the keys that it gave a time to live, in milliseconds. */
export const expiringKey = 'sim:expiring';

/** On the line where the script begins, so that the lines of its errors stay. */
const wrapper = [
  'local real, clock = redis, table.remove(ARGV)',
  `local function expires(key, ms) real.call('ZADD', '${expiringKey}', ms, key) end`,
  'local function timed(f) return function(name, ...)',
  "if name == 'TIME' then return { clock:match('^%d+'), clock:match('%d+$') } end",
  'local key, value = ...',
  "if name == 'SET' then local all = { ... } local n = #all",
  "local unit = n > 3 and (all[n - 1] == 'PX' and 1 or all[n - 1] == 'EX' and 1000) or 0",
  'local ms = unit * (tonumber(all[n]) or 0) if ms > 0 and ms < 86400000 then',
  'local reply = f(name, unpack(all, 1, n - 2))',
  'if reply and not reply.err then expires(key, ms) end return reply end end',
  "if name == 'EXPIRE' and tonumber(value) < 86400 then",
  "local there = f('EXISTS', key) if there == 1 then expires(key, value * 1000) end return there end",
  'return f(name, ...) end end',
  'local redis = setmetatable({ call = timed(real.call), pcall = timed(real.pcall) }, { __index = real })',
].join(' ');

export class ScriptClock {
  /** By the SHA-1 that runners know: the SHA-1 of the wrapped script. */
  readonly #wrapped = new Map<string, string>();

  /** @returns what the real server is sent instead of this command */
  bytesOf({ name, args, bytes }: Command, now: readonly Buffer[]): Buffer {
    const [script, ...rest] = args;
    const time = now.join(' ');
    if (name === 'EVAL' && script !== undefined)
      return commandBytes([name, this.#wrap(script), ...rest, time]);
    const [loaded] = rest;
    if (isLoad({ name, args }) && loaded !== undefined)
      return commandBytes([name, 'LOAD', this.#wrap(loaded)]);
    const sha1 = name === 'EVALSHA' ? this.#wrapped.get(String(script)) : undefined;
    // The server doesn't know it.
    if (sha1 === undefined) return bytes;
    return commandBytes([name, sha1, ...rest, time]);
  }

  /** @returns what the runner is answered */
  replyOf(command: Command, reply: Reply): Reply {
    const [, script] = command.args;
    return isLoad(command) && script !== undefined && !isError(reply) ? Buffer.from(sha1Of(script)) : reply;
  }

  #wrap(script: Buffer): string {
    const source = `${wrapper} ${script.toString()}`;
    this.#wrapped.set(sha1Of(script), sha1Of(source));
    return source;
  }
}

function isLoad({ name, args }: Pick<Command, 'name' | 'args'>): boolean {
  return name === 'SCRIPT' && args[0]?.toString().toUpperCase() === 'LOAD';
}

function sha1Of(text: string | Buffer): string {
  return createHash('sha1').update(text).digest('hex');
}
