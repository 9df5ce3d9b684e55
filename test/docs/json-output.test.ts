/**
 * docs/json.md lists exactly the members that commands print with `--json`. The commands run in a sandbox, one after the
 * other. Output and document are compared by paths of members, such as `queues[].name`.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { useRedis } from '../helpers/redis.ts';
import { repository } from './markdown.ts';
import { useSandbox } from './sandbox.ts';

const redis = useRedis();
const sandbox = useSandbox(redis);

/** Members whose values have a format of their own. */
const opaque = ['payload', 'failure', 'fields[].value', 'resqueWeb', 'entries[].args', 'jobs[].args'];
/** Members for states that these commands don't reach. */
const rare = ['awaySince', 'reason', 'enqueuedBefore'];

/** The paths in the first columns of the tables, by the heading of their section. */
function documented(): Map<string, Set<string>> {
  const [, ...sections] = readFileSync(join(repository, 'docs/json.md'), 'utf8').split(/^## /m);
  return new Map(
    sections.map((section) => {
      const [heading = '', ...lines] = section.split('\n');
      const cells = lines.filter((line) => line.startsWith('| `')).map((line) => line.split(' | ')[0] ?? '');
      const paths = cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path));
      // For an array of objects, the document lists the members; for other arrays, the elements.
      return [heading, new Set(paths.filter((path) => !paths.some((other) => other.startsWith(`${path}.`))))];
    }),
  );
}

function pathsOf(value: unknown, path = ''): string[] {
  if (opaque.includes(path) || typeof value !== 'object' || value === null) return [path];
  if (Array.isArray(value))
    return value.length === 0 ? [] : value.flatMap((item) => pathsOf(item, `${path}[]`));
  return Object.entries(value).flatMap(([name, own]) => pathsOf(own, path === '' ? name : `${path}.${name}`));
}

const job = `#!/bin/sh
cat > /dev/null
[ "$1" = slow ] && exec sleep 60
echo out
echo '{"exception":"E","error":"oops","backtrace":["job.sh:5"]}' >&2
exit 3
`;

/** A retry that waits. */
const retry = '{"class":"B","args":[],"queue":"low"}';
const retrySha1 = createHash('sha1').update(retry).digest('hex');

const setUp = `
chmod +x job.sh
echo '{"runners": {"mail": 1, "slow": 1, "one,other": 1}, "script": "./job.sh"}' > cfg.json
echo '{"include": "cfg.json", "namespace": "\${HOME:-x}"}' > more.json
printf '{"class":"A","args":[]}\\n' > jobs
printf '{"class":"A","args":[]}\\nnone\\n' > wrong
redis-cli zadd resque:delayed_queue_schedule 1 1; redis-cli rpush resque:delayed:1 '{}' none '${retry}'; redis-cli rpush resque:runner:retry:${retrySha1} '${retrySha1} {"attempt":2,"first_failed_at":null,"due":1,"error":null,"item":""}'; redis-cli set resque:resque_scheduler_leader_lock node:1
redis-cli hset resque:persistent_schedules nightly '{"every":"1d","queue":"low"}' broken '{}'
redis-cli sadd resque:queues bad; redis-cli set resque:queue:bad 1
redis-cli set 'resque:lock:U:mail:[]' 9999999999`;

/** Commands with the heading of their section, in an order that makes sense. */
const commands: readonly (readonly [heading: string, command: string])[] = [
  ['enqueue', 'enqueue mail A 1 --json'],
  ['enqueue', 'enqueue slow --file jobs --json'],
  ['enqueue', 'enqueue mail --file wrong --json'],
  ['enqueue', 'enqueue low A --in 1h --json'],
  ['enqueue', 'enqueue mail U --unique --json'],
  ['delayed list', 'delayed list --json'],
  ['exec', 'exec mail --class A 1 --json'],
  ['pause, resume', 'pause mail --json'],
  ['pause, resume', 'pause one,other --json'],
  ['pause, resume', 'resume one,other --json'],
  ['slots', 'slots mail 3 --json'],
  ['reset', 'reset mail --json'],
  ['pause, resume', 'pause mail --json'],
  ['slots', 'slots mail 2 --json'],
  ['status', 'status --json'],
  ['delayed run, delayed remove', 'delayed run --class A --yes --json'],
  ['schedule list', 'schedule list --json'],
  ['schedule run', 'schedule run nightly --json'],
  ['pause, resume', 'resume mail --json'],
  ['failed list', 'failed list --json'],
  ['failed show', 'failed show last --json'],
  ['failed retry, failed remove, failed clear', 'failed retry --class A --json --yes'],
  ['failed retry, failed remove, failed clear', 'failed clear --json --yes'],
  ['check', 'check --json'],
  ['config', 'config more.json --json'],
  ['config', 'config more.json --json --redis redis://localhost'],
];

test('every member that a command prints is in the document', { timeout: 60_000 }, async () => {
  const run = (command: string) => sandbox().run(command);
  sandbox().write('job.sh', job);
  await run(setUp);
  const printed = new Map<string, Set<string>>();
  let hasRunner = false;
  for (const [heading, command] of commands) {
    if (command.startsWith('pause') && !hasRunner) {
      hasRunner = true;
      await run(`resque-runner cfg.json
        until [ "$(redis-cli llen resque:failed)" = 1 ]; do sleep 0.1; done
        redis-cli rpush resque:failed junk`);
    }
    const { output } = await run(`resque-runner ${command} 2> /dev/null`);
    const seen = printed.get(heading) ?? new Set();
    for (const path of pathsOf(JSON.parse(output))) seen.add(path);
    printed.set(heading, seen);
  }
  await run(
    `resque-runner slots slow 1; redis-cli del resque:delayed_queue_schedule resque:delayed:1 resque:runner:retry:${retrySha1} resque:resque_scheduler_leader_lock`,
  );
  // Ends the job that would run for a minute.
  await run(
    'kill -USR1 $(cat ../background/*.log | sed -n \'s/.*"engine.started".*"pid":\\([0-9]*\\).*/\\1/p\')',
  );

  for (const [heading, paths] of documented()) {
    const seen = [...(printed.get(heading) ?? [])].sort();
    const missing = seen.filter((path) => !paths.has(path));
    const unseen = [...paths].filter((path) => !seen.includes(path) && !rare.includes(path));
    expect({ heading, missing, unseen }).toEqual({ heading, missing: [], unseen: [] });
  }
});
