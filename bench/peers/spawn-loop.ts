/**
 * The floor of `drain`: the minimum that a Node process must do for a job. It starts the program and waits for its end,
 * several at a time, without Redis, writes, counters or limits. It starts when it gets a number of jobs, and answers when
 * the last one has ended.
 *
 * Arguments: number of parallel jobs, payload, then the program and its arguments.
 */
import { startProgram } from './start-program.ts';

const [slots, payload = '', ...command] = process.argv.slice(2);

async function run(jobs: number): Promise<void> {
  let left = jobs;
  const work = async () => {
    while (left > 0) {
      left -= 1;
      await end();
    }
  };
  await Promise.all(Array.from({ length: Number(slots) }, work));
}

function end(): Promise<void> {
  return new Promise((resolve) => {
    const child = startProgram(command, payload);
    child.stderr.resume();
    child.on('close', () => resolve());
  });
}

process.on('message', (jobs) => {
  void run(Number(jobs)).then(() => process.send?.('done'));
});
