/**
 * `node scripts/screenshots/make.mjs [DIRECTORY]`: the pictures of the README, of the real program at work. It is
 * driven by keys, and a picture is taken when what belongs on it is there.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../setup/paths.mjs';
import { reportAndExit } from '../setup/setup-error.mjs';
import { setUp } from '../setup.mjs';
import { Stage } from './stage.mjs';
import { toSvg } from './to-svg.mjs';

const runners = { transcode: 4, mailers: 10, search: 4, low: 2 };
/** Jobs that are soon done, by stretches of two seconds: what the sparklines show. */
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
function job(name, ...args) {
  return { class: name, args };
}

/** @param {number} count @param {(index: number) => import('./stage.mjs').Job} make */
function several(count, make) {
  return Array.from({ length: count }, (_, index) => make(index));
}

/** The list is shared by all workers: what jobs of another one left there, some time ago. */
const oldFailures = [
  {
    minutes: 201,
    queue: 'search',
    ...job('Reindex', { shard: 1 }),
    exception: 'Timeout::Error',
    error: 'execution expired',
  },
  {
    minutes: 96,
    queue: 'mailers',
    ...job('Digest', '2026-11-23'),
    exception: 'Net::SMTPServerBusy',
    error: '451 4.3.0 try again later',
  },
  {
    minutes: 41,
    queue: 'low',
    ...job('Export', { org: 12 }),
    exception: 'PG::ConnectionBad',
    error: 'connect ECONNREFUSED 10.0.0.7:5432',
  },
];

/** @param {Stage} stage */
async function fillFailures(stage) {
  for (const { minutes, queue, class: name, args, exception, error } of oldFailures) {
    const at = new Date(Date.now() - minutes * 60_000).toISOString();
    const record = {
      failed_at: `${at.slice(0, 10).replaceAll('-', '/')} ${at.slice(11, 19)} UTC`,
      payload: { class: name, args },
      exception,
      error,
      backtrace: ['resque/job.rb:173'],
      worker: `web2:4412:${queue}`,
      queue,
    };
    await stage.redis.rpush('resque:failed', JSON.stringify(record));
  }
}

/** Some that fail, one by one so that their order is the same each time, then some that stay. @param {Stage} stage */
async function fillQueues(stage) {
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

/** The queue that search is paused, and transcode has two slots more than the config file says. @param {Stage} stage */
async function turnKnobs(stage) {
  await stage.waitForText('shard 4: 39%');
  stage.press('\t\t');
  await stage.waitForText(/┏━ search/);
  stage.press('p');
  await stage.waitForText(/search {2}‖/);
  await stage.enqueue(
    'search',
    several(1_204, (index) => job('Reindex', { shard: 10 + index })),
  );
  stage.press('\u001B[Z\u001B[Z');
  await stage.waitForText(/┏━ transcode/);
  stage.press('++');
  await stage.waitForText(/transcode.*\/6/);
}

/** @param {Stage} stage */
async function runShortJobs(stage) {
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

/** @param {Stage} stage @param {(name: string, title: string) => void} take */
async function takePictures(stage, take) {
  await fillFailures(stage);
  await stage.startProgram(runners);
  await fillQueues(stage);
  await turnKnobs(stage);
  await runShortJobs(stage);
  await stage.enqueue('mailers', [
    job('Digest', '2026-11-24'),
    job('Welcome', 'u_931'),
    job('Welcome', 'u_932'),
  ]);
  await stage.waitForText('delivered 512/2048', 'u_932', 'pend 1,204', 'pend 17', 'time=00:04:08');
  take('queues', 'The queues: slots, backlog and running jobs of each, and the newest failures');

  stage.press('?');
  await stage.waitForText('Help · Queues');
  take('help', 'The help: all keys that hold on the queues screen');
  stage.press('?');

  stage.press('2');
  await stage.waitForText('[2 Failures');
  stage.press('/');
  await stage.waitForText('Enter to apply');
  stage.press('queue:low exit:2');
  await stage.waitForText('queue:low exit:2');
  stage.press('\r');
  await stage.waitForText(/1-5 of 5/);
  stage.press('   ');
  await stage.waitForText('3 marked');
  stage.press('k');
  await stage.waitForText('Export  queue low');
  take('failures', 'The failures: those of one queue, three of them marked, and one in detail');
  stage.press('\u001B');
  await stage.waitForText(/of 10/);

  stage.press('1');
  await stage.waitForText('[1 Queues');
  stage.press('\r');
  await stage.waitForText('FOLLOW', '00:04:08');
  stage.press('t');
  stage.press('/');
  await stage.waitForText('Enter to apply');
  stage.press('bits\r');
  await stage.waitForText('4 of 4');
  take('job', 'A job: its output, live, both streams with times, and what was searched for');
}

/** @param {string} directory where the pictures go */
async function main(directory) {
  await setUp();
  mkdirSync(directory, { recursive: true });
  const stage = new Stage();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => void stage.dispose().finally(() => process.exit(1)));
  }
  try {
    await stage.startRedis();
    await takePictures(stage, (name, title) => {
      const file = join(directory, `${name}.svg`);
      writeFileSync(file, toSvg(stage.screen, { title }));
      console.log(file);
      if (process.env.SHOW) console.log(stage.text());
    });
  } finally {
    await stage.dispose();
  }
}

try {
  await main(process.argv[2] ?? join(root, 'docs', 'pictures'));
} catch (error) {
  reportAndExit(error);
}
