/**
 * php-resque's status of a job: JSON under `job:NAME:status`, which exists if the job was enqueued with tracking on.
 * NAME is the payload's `id`, after `PREFIX_` if the payload has a `prefix`.
 *
 *     {"status":2,"updated":1764309548,"started":1764309540,"result":null}
 *
 * - `status`: 1 waiting, 2 running, 3 failed, 4 complete. The last two expire after 24 hours.
 * - `updated` and `started`: seconds since the epoch. `started` is the time of enqueuing and stays.
 * - `result` is for what a PHP method returns. A program returns nothing, so it is `null`.
 *
 * Source: resque/php-resque a240bcb, `lib/Job/Status.php` (`update`) and `lib/JobHandler.php` (`updateStatus`).
 * chrisboulton/php-resque 968b7e6, `lib/Resque/Job/Status.php`, has the same numbers, writes only `status` and `updated`,
 * knows no prefix, and reads `status`.
 */
export const jobStatuses = { waiting: 1, running: 2, failed: 3, complete: 4 } as const;

/** As PHP defines empty. */
function isEmpty(text: string): boolean {
  return text === '' || text === '0';
}

/** NAME for a decoded payload; '' if it can't have a status. The status itself may not exist. */
export function statusNameOf({ id, prefix }: { readonly id?: unknown; readonly prefix?: unknown }): string {
  if (typeof id !== 'string' || isEmpty(id)) return '';
  return typeof prefix === 'string' && !isEmpty(prefix) ? `${prefix}_${id}` : id;
}

/**
 * Lua for the writing part of scripts; needs the local `prefix`. `setStatus` changes a status that exists. A failure to
 * read or write a status affects nothing else. `statusNameOf` does the same as the function above.
 */
export const jobStatusWrites = `
local function setStatus(name, status)
  if name == '' then return end
  local key = prefix .. 'job:' .. name .. ':status'
  local packet = redis.pcall('GET', key)
  if type(packet) ~= 'string' then return end
  local time = redis.pcall('TIME')
  if time.err then return end
  local started = packet:match('"started":(%d+)') or 'null'
  local json = '{"status":' .. status .. ',"updated":' .. time[1] .. ',"started":' .. started .. ',"result":null}'
  if tonumber(status) >= ${jobStatuses.failed} then
    redis.pcall('SET', key, json, 'EX', 86400)
  else
    redis.pcall('SET', key, json)
  end
end
local function statusNameOf(payload)
  local id, first = payload.id, payload.prefix
  if type(id) ~= 'string' or id == '' or id == '0' then return '' end
  if type(first) ~= 'string' or first == '' or first == '0' then return id end
  return first .. '_' .. id
end
`;
