/**
 * `node scripts/screenshots/make.mjs [DIRECTORY] [--quick]`: makes the pictures in docs/ with the real program. It presses
 * keys, and takes each picture as soon as the screen shows everything. `--quick` doesn't wait until the sparklines are
 * full.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../setup/paths.mjs';
import { reportAndExit } from '../setup/setup-error.mjs';
import { setUp } from '../setup.mjs';
import { Stage } from './stage.mjs';
import { momentOf, toAnimatedSvg, toSvg } from './to-svg.mjs';
import { fillFailures, fillQueues, job, runners, runShortJobs, several } from './workload.mjs';

/** The name of the selected queue is in the title of its panel. */
const selectedQueue = /┏━ (\S+)/;
const pageOfQueue = /Queues › (\S+)/;

/** Pauses search, and gives transcode two more slots than its config. @param {Stage} stage */
async function turnKnobs(stage) {
  await stage.waitForText('shard 4: 39%');
  await stage.pressUntil('\t', selectedQueue, 'search');
  stage.press('p');
  await stage.waitForText(/search {2}‖/);
  await stage.enqueue(
    'search',
    several(1_204, (index) => job('Reindex', { shard: 10 + index })),
  );
  await stage.pressUntil('\t', selectedQueue, 'transcode');
  stage.press('++');
  await stage.waitForText(/transcode.*\/6/);
}

/**
 * @param {Stage} stage
 * @param {boolean} isQuick
 * @param {(name: string, title: string) => void} take
 */
async function takePictures(stage, isQuick, take) {
  await fillFailures(stage);
  await stage.startProgram(runners);
  await fillQueues(stage);
  await turnKnobs(stage);
  if (!isQuick) await runShortJobs(stage);
  await stage.enqueue('mailers', [
    job('Digest', '2026-11-24'),
    job('Welcome', 'u_931'),
    job('Welcome', 'u_932'),
  ]);
  await stage.waitForText('delivered 512/2048', 'u_932', '1,204 waiting', '17 waiting', 'time=00:04:08');
  take('queues', 'The queues: slots, backlog and running jobs of each, and the newest failures');

  stage.press('?');
  await stage.waitForText('Help · Queues');
  take('help', 'The help: all keys that hold on the queues screen');
  stage.press('?');

  stage.press('2');
  await stage.waitForText('[2 Failures');
  stage.press('v');
  await stage.waitForText('groups by exception and class', 'Errno::ENOSPC');
  take('groups', 'The failures in groups: how many of each exception and class, and when');
  stage.press('v');
  await stage.waitForText('groups by exception, class and queue');
  stage.press('v');
  await stage.waitForText('TIME');
  stage.press('/');
  await stage.waitForText('Enter to');
  stage.press('queue:low exit:2\r');
  await stage.waitForText('filter: queue:low exit:2', ' of 14');
  stage.press('   ');
  await stage.waitForText('3 marked');
  stage.press('k');
  await stage.waitForText('"org":31,"since"');
  take('failures', 'The failures: those of one queue, three of them marked, and one in detail');

  stage.press('1');
  await stage.waitForText('[1 Queues');
  stage.press('\r');
  await stage.waitForText('running 3');
  await stage.pressUntil('l', pageOfQueue, 'low');
  await stage.waitForText('{"org":41}', 'PG::ConnectionBad');
  take('queue', 'The page of a queue: its state, running jobs, waiting jobs, and failures in groups');
  await stage.pressUntil('h', pageOfQueue, 'transcode');
  await stage.waitForText('running 3');
  stage.press('\r');
  await stage.waitForText('FOLLOW', '00:04:08');
  stage.press('/');
  await stage.waitForText('Enter to');
  stage.press('bits\r');
  await stage.waitForText('4 of 4');
  take('job', 'A job: its output in color, live, both streams with times, and what was searched for');
}

/**
 * What an operator does with a group of failures.
 *
 * @param {Stage} stage
 * @returns {Promise<string>} an animated SVG
 */
async function record(stage) {
  /** @type {import('./to-svg.mjs').Moment[]} */
  const moments = [];
  const see = (/** @type {number} */ seconds, /** @type {string} */ caption) =>
    moments.push(momentOf(stage.screen, seconds, caption));
  stage.press('\u001B\u001B\u001B1');
  await stage.waitForText('[1 Queues');
  see(4, 'All queues, with their running jobs and the newest failures');
  stage.press('\r');
  await stage.waitForText('Queues › transcode', 'running 3');
  see(4, 'Enter: the page of a queue');
  stage.press('\r');
  await stage.waitForText('FOLLOW', '00:04:08');
  see(4, 'Enter: the output of a job, live');
  stage.press('\u001B');
  await stage.waitForText('waiting');
  stage.press('2');
  await stage.waitForText('[2 Failures');
  stage.press('/');
  await stage.waitForText('Enter to');
  // Ctrl-U empties the line.
  stage.press('\u0015\r');
  await stage.waitForText('No space left on device');
  see(3, '2: the failures of all workers');
  stage.press('v');
  await stage.waitForText('groups by exception and class');
  see(3, 'v: the same in groups');
  stage.press('r');
  await stage.waitForText('Cancel');
  see(3, 'r: retry a whole group');
  stage.press('\u001B');
  await stage.waitFor(
    () => 'the end of the question',
    () => !stage.text().includes('Cancel'),
  );
  stage.press('?');
  await stage.waitForText('Help · ');
  see(3, '?: the keys that work here');
  stage.press('?');
  const title = 'A screen of resque-runner: queues, a queue, a job, failures in groups, help';
  return toAnimatedSvg(stage.screen, moments, { title });
}

/**
 * @param {string} directory for the pictures
 * @param {boolean} isQuick
 */
async function main(directory, isQuick) {
  await setUp();
  mkdirSync(directory, { recursive: true });
  const stage = new Stage();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => void stage.dispose().finally(() => process.exit(1)));
  }
  try {
    await stage.startRedis();
    const write = (/** @type {string} */ name, /** @type {string} */ svg) => {
      const file = join(directory, `${name}.svg`);
      writeFileSync(file, svg);
      console.log(file);
    };
    await takePictures(stage, isQuick, (name, title) => write(name, toSvg(stage.screen, { title })));
    write('recording', await record(stage));
  } finally {
    await stage.dispose();
  }
}

try {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { quick: { type: 'boolean', default: false } },
  });
  await main(positionals[0] ?? join(root, 'docs', 'pictures'), values.quick);
} catch (error) {
  reportAndExit(error);
}
