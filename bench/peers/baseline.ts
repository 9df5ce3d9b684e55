/**
 * The baseline: the program of 2012 in its simplest form. One connection blocked in BLPOP per slot of each queue, and one
 * for all writes, with a separate write for each command; `spawn` with pipes. It has no log, no limit for output, and no
 * recovery from outages. It loads the installed packages, without a bundle.
 *
 * Arguments: port of Redis, queues separated by commas, slots of each, then the program and its arguments.
 */
import { hostname } from 'node:os';
import { Redis } from 'ioredis';
import { startProgram } from './start-program.ts';

const [port, queues = '', slots, ...command] = process.argv.slice(2);
const connection = { host: '127.0.0.1', port: Number(port), protocol: 2, disableClientInfo: true } as const;
const writer = new Redis(connection);

async function work(queue: string, slot: number): Promise<never> {
  const worker = `${hostname()}:${process.pid}-${slot}:${queue}`;
  const blocked = new Redis(connection);
  await writer.sadd('resque:workers', worker);
  while (true) {
    const popped = await blocked.blpop(`resque:queue:${queue}`, 0);
    if (popped !== null) await run(queue, worker, popped[1]);
  }
}

function run(queue: string, worker: string, payload: string): Promise<void> {
  const record = { queue, run_at: new Date().toISOString(), payload: JSON.parse(payload) as unknown };
  void writer.set(`resque:worker:${worker}`, JSON.stringify(record));
  return new Promise((resolve) => {
    let errors = '';
    const child = startProgram([...command, queue], payload);
    child.stderr.on('data', (chunk) => {
      errors += String(chunk);
    });
    child.on('close', (exitCode) => {
      if (exitCode !== 0) {
        const failure = {
          ...record,
          failed_at: new Date().toISOString(),
          worker,
          exception: 'Error',
          error: errors,
        };
        void writer.rpush('resque:failed', JSON.stringify(failure));
        void writer.incr('resque:stat:failed');
        void writer.incr(`resque:stat:failed:${worker}`);
      }
      void writer.del(`resque:worker:${worker}`);
      void writer.incr('resque:stat:processed');
      void writer.incr(`resque:stat:processed:${worker}`);
      resolve();
    });
  });
}

const slotsOf = (queue: string) => Array.from({ length: Number(slots) }, (_, slot) => work(queue, slot));
await Promise.all(queues.split(',').flatMap(slotsOf));
