/** The jobs in the pictures: running, waiting and failed jobs on four realistic queues. `jobs.sh` runs them. */
import { setTimeout as sleep } from 'node:timers/promises';

export const runners = { transcode: 4, mailers: 10, search: 4, low: 2 };
/** Numbers of short jobs, one for every two seconds. The sparklines show them. */
const trickle = [
  { thumbnails: 1, mails: 3 },
  { thumbnails: 2, mails: 5 },
  { thumbnails: 4, mails: 4 },
  { thumbnails: 3, mails: 7 },
  { thumbnails: 4, mails: 6 },
  { thumbnails: 2, mails: 9 },
  { thumbnails: 3, mails: 6 },
];
const trickleMs = 2_000;

/** @param {string} name @param {...unknown} args @returns {import('./stage.mjs').Job} */
export function job(name, ...args) {
  return { class: name, args };
}

/** @param {number} count @param {(index: number) => import('./stage.mjs').Job} make */
export function several(count, make) {
  return Array.from({ length: count }, (_, index) => make(index));
}

const refused = { exception: 'PG::ConnectionBad', error: 'connect ECONNREFUSED 10.0.0.7:5432' };
const full = { exception: 'Errno::ENOSPC', error: 'No space left on device: /var/tmp/exports/41.csv' };

/** Older failures of another worker: all workers share the list. */
const oldFailures = [
  {
    minutes: 201,
    queue: 'search',
    job: job('Reindex', { shard: 1 }),
    exception: 'Timeout::Error',
    error: 'execution expired',
  },
  ...[190, 188, 187].map((minutes) => ({ minutes, queue: 'low', job: job('Export', { org: 41 }), ...full })),
  { minutes: 152, queue: 'low', job: job('Export', { org: 3 }), ...refused },
  {
    minutes: 96,
    queue: 'mailers',
    job: job('Digest', '2026-11-23'),
    exception: 'Net::SMTPServerBusy',
    error: '451 4.3.0 try again later',
  },
  ...[88, 71, 70, 52].map((minutes) => ({
    minutes,
    queue: 'low',
    job: job('Export', { org: 12 }),
    ...refused,
  })),
  {
    minutes: 41,
    queue: 'low',
    job: job('Cleanup', { days: 90 }),
    exception: 'Errno::EBUSY',
    error: 'Device or resource busy: /mnt/archive',
  },
];

/** @param {import('./stage.mjs').Stage} stage */
export async function fillFailures(stage) {
  for (const { minutes, queue, job: payload, exception, error } of oldFailures) {
    const at = new Date(Date.now() - minutes * 60_000).toISOString();
    const record = {
      failed_at: `${at.slice(0, 10).replaceAll('-', '/')} ${at.slice(11, 19)} UTC`,
      payload,
      exception,
      error,
      backtrace: ['resque/job.rb:173'],
      worker: `web2:4412:${queue}`,
      queue,
      exit_code: 2,
    };
    await stage.redis.rpush('resque:failed', JSON.stringify(record));
  }
}

/** Starts jobs that fail, one at a time to keep their order, then jobs that keep running. @param {import('./stage.mjs').Stage} stage */
export async function fillQueues(stage) {
  const failing = [
    { queue: 'transcode', job: job('Transcode', { id: 8790, preset: 'hd' }) },
    { queue: 'search', job: job('Reindex', { shard: 9 }) },
    { queue: 'low', job: job('Cleanup', { dir: '/var/tmp' }) },
    ...[7, 31, 7, 7].map((org) => ({ queue: 'low', job: job('Export', { org, since: '2026-11-01' }) })),
  ];
  for (const [index, { queue, job: each }] of failing.entries()) {
    await stage.enqueue(queue, [each]);
    await stage.waitForText(`Failures(${oldFailures.length + index + 1})`);
  }
  await stage.enqueue('transcode', [
    job('Transcode', { id: 8812, preset: 'hd', src: 's3://b/8812.mov' }),
    job('Transcode', { id: 8813, preset: 'hd', src: 's3://b/8813.mov' }),
    job('Transcode', { id: 8820, preset: 'sd', src: 's3://b/8820.mov' }),
  ]);
  await stage.enqueue('search', [job('Reindex', { shard: 3 }), job('Reindex', { shard: 4 })]);
  await stage.enqueue('low', [job('Export', { org: 9 }), job('Cleanup', { days: 30 })]);
  await stage.enqueue(
    'low',
    several(17, (index) => job('Export', { org: 40 + index })),
  );
}

/** @param {import('./stage.mjs').Stage} stage */
export async function runShortJobs(stage) {
  for (const { thumbnails, mails } of trickle) {
    await stage.enqueue(
      'transcode',
      several(thumbnails, (index) => job('Thumbnail', { id: 8700 + index })),
    );
    await stage.enqueue(
      'mailers',
      several(mails, (index) => job('Welcome', `u_${100 + index}`)),
    );
    await sleep(trickleMs);
  }
}
