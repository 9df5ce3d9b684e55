/**
 * Whether this Redis user may run the commands that a runner runs, on the keys that it uses. A runner itself asks with
 * `resque/steps/permission-script.ts`.
 *
 * Each command is queued in a transaction that is then discarded. When Redis queues a command, it checks permissions,
 * renamed commands and whether it accepts writes, but executes nothing. Unlike `ACL DRYRUN`, this works with every version
 * and for users who may not use ACL.
 */
import { type Config, holdsSchedulerLocks, movesDelayedJobs } from '../../config/config.ts';
import { type ResqueKeys, resqueKeys } from '../../resque/format/keys.ts';
import { keyPrefixesOf } from '../../resque/format/plugin-keys.ts';
import type { Redis } from '../../resque/redis/connection.ts';
import { fail, ok, type Verdict } from './verdict.ts';

type Command = readonly [name: string, ...args: string[]];

const subject = 'permission';

/** Redis checks the number of arguments before the permissions, so these are complete. */
function commandsOf(config: Config): Command[] {
  const { namespace, runners, failedLimit } = config;
  const keys = resqueKeys(namespace);
  const worker = 'host.runner:1-0:check';
  const queues = runners.map(({ key }) => keys.queue(/[*?[,!]/.test(key) ? 'check' : key));
  const owner = 'host.runner:1';
  const overrides = keys.overrides('host', 'cfg.json');
  const held = runners
    .filter(({ delivery }) => delivery === 'at-least-once')
    .flatMap(({ key }): Command[] => {
      const queue = /[*?[,!]/.test(key) ? 'check' : key;
      const list = keys.held(owner, queue);
      return [
        ['BLMOVE', keys.queue(queue), list, 'LEFT', 'RIGHT', '0'],
        ['LMOVE', keys.queue(queue), list, 'LEFT', 'RIGHT'],
        ['SADD', keys.heldQueues(owner), queue],
        ['LREM', list, '1', ''],
        ['RPUSH', list, ''],
        ['LRANGE', list, '0', '0'],
        ['LINDEX', list, '0'],
        ['LLEN', list],
        ['DEL', list],
        ['RPOPLPUSH', list, keys.queue(queue)],
      ];
    });
  const retries: Command[] = [
    ['LRANGE', keys.retries(''), '0', '9'],
    ['RPUSH', keys.retries(''), ''],
    ['LREM', keys.retries(''), '1', ''],
    ['TTL', keys.retries('')],
    ['EXPIRE', keys.retries(''), '1'],
    ['SET', keys.workerRetry(worker), ''],
    ['GET', keys.workerRetry(worker)],
    ['DEL', keys.workerRetry(worker)],
    ['RPUSH', keys.delayed('1'), ''],
    ['SADD', keys.timestamps(''), ''],
    ['SISMEMBER', keys.timestamps(''), ''],
    ['ZADD', keys.delayedSchedule, '0', ''],
  ];
  const limiting = runners
    .filter(({ limit, rate }) => limit !== null || rate !== null)
    .flatMap(({ key }): Command[] => {
      const queue = /[*?[,!]/.test(key) ? 'check' : key;
      const running = keys.runningShares(queue);
      const free = keys.freeShares(queue);
      return [
        ['BLMOVE', keys.queue(queue), keys.queue(queue), 'LEFT', 'LEFT', '0'],
        ['SADD', running, ''],
        ['SREM', running, ''],
        ['SCARD', running],
        ['SMEMBERS', running],
        ['GETRANGE', keys.worker(worker), '0', '0'],
        ['BLPOP', free, '0'],
        ['LPUSH', free, ''],
        ['LTRIM', free, '0', '0'],
        ['EXPIRE', free, '1'],
        ['DEL', free],
        ['GET', keys.rate(queue)],
        ['SET', keys.rate(queue), ''],
      ];
    });
  const trimming: Command[] =
    failedLimit === null
      ? []
      : [
          ['LTRIM', keys.failed, '0', '-1'],
          ['HINCRBY', keys.failedRemoved, '', '1'],
          ['HGETALL', keys.failedRemoved],
          ['HDEL', keys.failedRemoved, ''],
          ['SET', keys.failedRemovedClaim, '', 'PX', '1', 'NX'],
          ['DEL', keys.failedRemovedClaim],
        ];
  return [
    ...held,
    ...limiting,
    ...(movesDelayedJobs(config) ? movingCommands(config) : []),
    ...trimming,
    ...(runners.some(({ retry }) => retry !== null) ? retries : []),
    ...keyPrefixesOf(runners.flatMap(({ locks }) => locks)).map(
      (name): Command => ['DEL', keys.prefix + name],
    ),
    ...queues.flatMap((queue): Command[] => [
      ['BLPOP', queue, '0'],
      ['LPOP', queue],
      ['LPUSH', queue, ''],
      ['RPUSH', queue, ''],
      ['LLEN', queue],
      ['EXISTS', queue],
      ['TYPE', queue],
    ]),
    ['EVAL', '', '0'],
    ['SCRIPT', 'LOAD', ''],
    ['EVALSHA', '0'.repeat(40), '0'],
    ['CLIENT', 'ID'],
    ['CLIENT', 'UNBLOCK', '0'],
    ['TIME'],
    ['SADD', keys.queues, ''],
    ['SMEMBERS', keys.queues],
    ['SADD', keys.workers, ''],
    ['SREM', keys.workers, ''],
    ['SET', keys.worker(worker), ''],
    ['GET', keys.worker(worker)],
    ['DEL', keys.worker(worker)],
    ['MGET', keys.worker(worker), keys.workerPayload(worker)],
    ['SET', keys.workerPayload(worker), ''],
    ['DEL', keys.workerPayload(worker)],
    ['SET', keys.workerStarted(worker), ''],
    ['SETNX', keys.workerStarted(worker), ''],
    ['DEL', keys.workerStarted(worker)],
    ['HSET', keys.heartbeat, '', ''],
    ['HSETNX', keys.heartbeat, '', ''],
    ['HDEL', keys.heartbeat, ''],
    ['TYPE', keys.failed],
    ['RPUSH', keys.failed, ''],
    ['LLEN', keys.failed],
    ['LRANGE', keys.failed, '0', '0'],
    ['LINDEX', keys.failed, '0'],
    ['LSET', keys.failed, '0', ''],
    ['LREM', keys.failed, '0', ''],
    ['EXISTS', keys.failed, keys.processed],
    ['INCRBY', keys.processed, '1'],
    ['INCRBY', keys.failedCount, '1'],
    ['INCRBY', keys.workerProcessed(worker), '1'],
    ['INCRBY', keys.workerFailed(worker), '1'],
    ['GET', keys.runnerStep(owner)],
    ['SET', keys.runnerStep(owner), ''],
    ['EXPIRE', keys.runnerStep(owner), '1'],
    ['GET', keys.tombstone('check')],
    ['SET', keys.tombstone('check'), ''],
    ['DEL', keys.runnerStep(owner)],
    ['HSET', keys.runners, '', ''],
    ['HGETALL', keys.runners],
    ['HGET', keys.runners, ''],
    ['HEXISTS', keys.runners, ''],
    ['SISMEMBER', keys.workers, ''],
    ['HDEL', keys.runners, ''],
    ['SET', keys.recoveryLock, '', 'PX', '1', 'NX'],
    ['GET', keys.recoveryLock],
    ['DEL', keys.recoveryLock],
    ['SMEMBERS', keys.heldQueues(owner)],
    ['SCARD', keys.heldQueues(owner)],
    ['DEL', keys.heldQueues(owner)],
    ['SMEMBERS', keys.workers],
    ['HINCRBY', keys.recoveries, '', '1'],
    ['HDEL', keys.recoveries, ''],
    ['DEL', keys.workerProcessed(worker)],
    ['DEL', keys.workerFailed(worker)],
    ['GET', keys.pauseAllWorkers],
    ['HGETALL', overrides],
    ['TYPE', overrides],
    ['HSET', overrides, '', ''],
    ['HDEL', overrides, ''],
    ['EXPIRE', overrides, '1'],
    // Screens show how many delayed jobs there are.
    ['ZCARD', keys.delayedSchedule],
    ['ZRANGE', keys.delayedSchedule, '0', '0'],
    ['HLEN', keys.persistentSchedules],
  ];
}

/** To move delayed jobs, even of queues that this runner doesn't serve. */
function movingCommands(config: Config): Command[] {
  const { namespace, schedulerLockPrefix } = config;
  const keys = resqueKeys(namespace);
  const locks = [keys.masterLock(schedulerLockPrefix), keys.leaderLock];
  return [
    ...locks.map((lock): Command => ['GET', lock]),
    ...(holdsSchedulerLocks(config)
      ? [
          ...locks.flatMap((lock): Command[] => [
            ['PTTL', lock],
            ['SET', lock, ''],
            ['DEL', lock],
          ]),
          ...scheduleCommands(keys),
        ]
      : []),
    ['GET', keys.mover],
    ['SET', keys.mover, ''],
    ['DEL', keys.mover],
    ['ZRANGEBYSCORE', keys.delayedSchedule, '0', '0'],
    ['ZREM', keys.delayedSchedule, ''],
    ['TYPE', keys.delayed('1')],
    ['LRANGE', keys.delayed('1'), '0', '0'],
    ['LTRIM', keys.delayed('1'), '0', '0'],
    ['SREM', keys.timestamps('{}'), ''],
    ['RPUSH', keys.queue('check'), ''],
    ['RPUSH', keys.undeliverable, ''],
  ];
}

/** To enqueue the jobs of schedules. */
function scheduleCommands(keys: ResqueKeys): Command[] {
  return [
    ['HGETALL', keys.persistentSchedules],
    ['HMGET', keys.lastEnqueuedAt, ''],
    ['HGET', keys.lastEnqueuedAt, ''],
    ['HSET', keys.lastEnqueuedAt, '', ''],
    ['SET', keys.cronSlot('', 0), ''],
    ['LRANGE', keys.queue('check'), '0', '0'],
  ];
}

export async function checkPermissions(connection: Redis, config: Config): Promise<Verdict[]> {
  const commands = commandsOf(config);
  // EXEC is tested with an empty transaction, because in the other one it would run the commands.
  for (const name of ['MULTI', 'EXEC', 'MULTI']) {
    const refusal = await refusalOf(connection, [name]);
    if (refusal !== null) return [fail(subject, `${name}: ${refusal}; ${advice(refusal, config)}`)];
  }
  /** Refusal → names of the refused commands. */
  const refused = new Map<string, Set<string>>();
  for (const command of commands) {
    const answer = await refusalOf(connection, command);
    if (answer === null) continue;
    const names = refused.get(answer) ?? new Set();
    refused.set(answer, names.add(nameOf(command)));
  }
  await refusalOf(connection, ['DISCARD']);
  if (refused.size === 0) {
    const count = new Set(commands.map(nameOf)).size;
    return [ok(subject, `all ${count} commands that the runner uses are permitted on its keys`)];
  }
  return [...refused].map(([answer, names]) =>
    fail(subject, `${[...names].join(', ')}: ${answer}; ${advice(answer, config)}`),
  );
}

/** @returns Redis' refusal, in words that are the same for all commands; `null` if it accepts the command */
async function refusalOf(connection: Redis, [name, ...args]: Command): Promise<string | null> {
  try {
    await connection.call(name, ...args);
    return null;
  } catch (error) {
    if (!(error instanceof Error && error.name === 'ReplyError')) throw error;
    const { message } = error;
    if (/^NOPERM.*\b(key|keys)\b/.test(message)) return 'no permission for its keys';
    if (/^NOPERM/.test(message)) return 'no permission';
    if (/^ERR unknown (sub)?command/i.test(message)) return 'not known to this server (renamed, or too old)';
    if (/^READONLY/.test(message)) return 'this is a read-only replica';
    return message;
  }
}

/** With the subcommand, if there is one: `CLIENT UNBLOCK`. */
function nameOf([name, argument]: Command): string {
  return name === 'CLIENT' || name === 'SCRIPT' ? `${name} ${argument}` : name;
}

function advice(refusal: string, { namespace }: Config): string {
  if (refusal.startsWith('no permission')) {
    const pattern = namespace === '' ? '*' : `${namespace}:*`;
    return `ask an administrator to allow it with ACL SETUSER … +COMMAND ~${pattern}`;
  }
  if (refusal.includes('read-only')) return 'use its master instead';
  if (refusal.startsWith('not known')) return 'ask an administrator to check rename-command in redis.conf';
  return "see the server's log";
}
