/** Lua scripts: sending them, and the checks that they start with. */
import { createHash } from 'node:crypto';
import type { CommandSender } from './send.ts';

/** A Lua script, and its name in Redis. */
export interface Script {
  readonly source: string;
  readonly sha1: string;
}

export function script(source: string): Script {
  return { source, sha1: createHash('sha1').update(source).digest('hex') };
}

/**
 * Sends EVALSHA, and EVAL if Redis doesn't know the script (yet, or after SCRIPT FLUSH). Rejects with RedisError.
 *
 * @param args keys, if there are any, and then ARGV
 */
export function runScript(
  sender: CommandSender,
  { sha1, source }: Script,
  keyCount: number,
  args: readonly (string | Buffer | number)[],
): Promise<unknown> {
  const bytes = args.reduce<number>((sum, arg) => sum + (Buffer.isBuffer(arg) ? arg.length : 0), 0);
  return sender.command(async (commands) => {
    try {
      return await commands.callBuffer('EVALSHA', [sha1, keyCount, ...args]);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return await commands.callBuffer('EVAL', [source, keyCount, ...args]);
    }
  }, bytes);
}

/**
 * Lua functions that are created at their first use, as members of a table: `NAME().member(…)`. A script otherwise creates all
 * of its functions each time that it runs.
 */
export function lazily(name: string, members: readonly string[], source: string): string {
  const table = members.map((member) => `${member} = ${member}`).join(', ');
  return `
local known_${name}
local function ${name}()
  if known_${name} then return known_${name} end
${source}
  known_${name} = { ${table} }
  return known_${name}
end
`;
}

/**
 * Lua at the start of our scripts: checks everything that Redis could refuse, before the first write. Redis doesn't roll
 * back a script that it refuses halfway (ACL, a key of the wrong type), so a script must be able to finish once it writes.
 *
 * Needs the local `prefix`. `read`, `need` and `needType` store the first refusal in `refusal`. The script then ends with
 * `return redis.error_reply(refusal)`.
 *
 * Redis 7 has `redis.acl_check_cmd`. On older versions the commands are tried on a key of another type, where a permitted
 * command changes nothing. Lack of memory and read-only replicas need no check: Redis refuses the first write.
 */
export const scriptChecks = `
local refusal, probe
local function isPermitted(command, key, ...)
  if redis.acl_check_cmd then
    local isKnown, isAllowed = pcall(redis.acl_check_cmd, command, key, ...)
    return isKnown and isAllowed
  end
  if not probe then
    probe = prefix .. 'runner:probe'
    redis.call('SET', probe, '', 'EX', 1)
  end
  if command == 'SET' then return true end
  local reply = redis.pcall(command, command == 'DEL' and probe .. ':none' or probe, ...)
  return type(reply) ~= 'table' or not reply.err or reply.err:find('WRONGTYPE') ~= nil
end
local function notPermitted(command, key)
  return 'NOPERM this Redis user may not run ' .. command .. ' on ' .. key
end
-- What Redis itself says names neither the command nor the key.
local function read(command, key, ...)
  local reply = redis.pcall(command, key, ...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  local isOfWrongType = reply.err:find('WRONGTYPE')
  refusal = refusal or (isOfWrongType and ('WRONGTYPE ' .. key .. ' is of the wrong type') or notPermitted(command, key))
  return false
end
local function need(command, key, ...)
  if refusal or isPermitted(command, key, ...) then return end
  refusal = notPermitted(command, key)
end
local function needType(kind, key)
  if refusal then return end
  local reply = read('TYPE', key)
  local is = reply and reply.ok
  if is and is ~= kind and is ~= 'none' then refusal = 'WRONGTYPE ' .. key .. ' is a ' .. is .. ', not a ' .. kind end
end
`;

/**
 * Ends a script unless Redis knows this process and all its confirmed steps. Needs the locals `stepKey`, `nonce` and
 * `confirmed`.
 */
export const knownProcess = `
local known = read('GET', stepKey)
if refusal then return redis.error_reply(refusal) end
local knownNonce, step = (known or ''):match('^(%S+) (%d+)$')
if knownNonce ~= nonce or tonumber(step) < confirmed then
  return redis.error_reply('FORGOTTEN Redis does not know this runner, or not its last steps')
end
`;
