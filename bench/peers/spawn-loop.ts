/**
 * The floor of `drain`: the least that a Node process can do for each job. It starts the program and waits for its
 * end, some at a time; there is no Redis, and nothing is written, counted or limited. It works when it is sent a
 * number, of jobs, and answers when the last of them has ended.
 *
 * Arguments: how many at a time, payload, then the program and its arguments.
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
