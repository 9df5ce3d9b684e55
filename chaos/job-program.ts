/** The program of all jobs: a few lines of sh that log their beginning and end in one file. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type PlannedJob, shared } from './plan.ts';

export function payloadOf({ id, failures, seconds }: PlannedJob): string {
  return `{"class":"Chaos","args":["${id}:${failures}:${seconds}"]}`;
}

/** The key of the lock that the job takes when it is enqueued, without the namespace prefix; '' for none. */
export function lockOf({ id, queue, failures, seconds }: PlannedJob): string {
  const args = `["${id}:${failures}:${seconds}"]`;
  const [lock] = shared[queue]?.locks ?? [];
  if (lock === undefined) return '';
  return lock === 'node' ? `lock:Chaos:${queue}:${args}` : `lock:Chaos-${args}`;
}

/** @returns `null` if the key is not of such a lock */
export function idOfLock(key: string): string | null {
  return /^resque:lock:Chaos[^[]*\["(\d+):/.exec(key)?.[1] ?? null;
}

/** @returns `null` if the payload isn't one of these jobs */
export function idOfPayload(payload: string): string | null {
  return /"args":\["(\d+):/.exec(payload)?.[1] ?? null;
}

/**
 * Lines are appended whole, so the file's order is the order of events:
 * `B id runner worker pid attempt` begins, `E …` ends, and `O …` runs while an earlier run of the same job still does.
 * The killer of a runner adds `K pid`.
 */
export function writeJobProgram(directory: string): { readonly script: string; readonly log: string } {
  const log = join(directory, 'jobs.log');
  const locks = join(directory, 'locks');
  const script = join(directory, 'job');
  mkdirSync(locks);
  writeFileSync(log, '');
  // The last process that holds a lock releases it: also a `sleep` that outlived its shell.
  const source = `#!/bin/sh
IFS= read -r job
spec=\${job#*\\"args\\":[\\"}
IFS=:
set -- \${spec%%\\"*}
attempt=\${RESQUE_ATTEMPT:-1}
me="$1 $RESQUE_RUNNER $RESQUE_WORKER $$ $attempt"
if [ "$3" != 0 ]; then
  exec 9>>'${locks}/'"$1"
  flock -n 9 || echo "O $me" >> '${log}'
fi
echo "B $me" >> '${log}'
[ "$3" = 0 ] || sleep "$3"
echo "E $me" >> '${log}'
[ "$attempt" -gt "$2" ]
`;
  writeFileSync(script, source);
  chmodSync(script, 0o755);
  return { script, log };
}
