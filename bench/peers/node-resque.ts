/**
 * node-resque in `drain`: its workers, as in its documentation, in one process. Each job starts the program, gives it the
 * payload and waits for its end. It loads the installed packages, without a bundle.
 *
 * A worker that finds its queue empty looks again after five seconds. A turn must not begin with such a pause, and workers
 * must not query Redis in the turns of others. So the workers start when any number is sent, and end when the queue is
 * empty. Then this process answers, with the workers of its next turn already connected.
 *
 * Arguments: port of Redis, queue, workers, then the program and its arguments.
 */
import { hostname } from 'node:os';
import { Worker } from 'node-resque';
import { startProgram } from './start-program.ts';

const [port, queue = '', slots, ...command] = process.argv.slice(2);

function perform(...args: unknown[]): Promise<void> {
  const child = startProgram([...command, queue], JSON.stringify({ class: 'Noop', args }));
  return new Promise((resolve, reject) => {
    let errors = '';
    child.stderr.on('data', (chunk) => {
      errors += String(chunk);
    });
    child.on('close', (exitCode) => {
      if (exitCode === 0) resolve();
      else reject(new Error(errors));
    });
  });
}

async function connect(slot: number): Promise<Worker> {
  const connection = { pkg: 'ioredis', host: '127.0.0.1', port: Number(port) };
  const name = `${hostname()}:${process.pid}+${slot}`;
  const worker = new Worker({ connection, name, queues: [queue] }, { Noop: { perform } });
  worker.on('error', (error) => {
    throw error;
  });
  await worker.connect();
  return worker;
}

function connectAll(): Promise<Worker[]> {
  return Promise.all(Array.from({ length: Number(slots) }, (_, slot) => connect(slot)));
}

/** Runs until the queue is empty. */
async function work(worker: Worker): Promise<void> {
  const paused = new Promise<void>((resolve) => worker.once('pause', resolve));
  await worker.start();
  await paused;
}

let workers = connectAll();

async function takeTurn(): Promise<void> {
  const mine = await workers;
  await Promise.all(mine.map(work));
  await Promise.all(mine.map((worker) => worker.end()));
  workers = connectAll();
  await workers;
}

process.on('message', () => {
  void takeTurn().then(() => process.send?.('done'));
});
