/**
 * The floor of `latency`: the minimum that a Node process must do between RPUSH and the start of a program. One BLPOP and
 * one `spawn`, without writes, counters or limits. It is bundled like the runner, so it has a similar size.
 *
 * Arguments: port of Redis, queue, program. The program's second argument is the time of the `spawn` call.
 */
import { spawn } from 'node:child_process';
import { Redis } from 'ioredis';

const [port, queue = '', program = ''] = process.argv.slice(2);
const redis = new Redis({ host: '127.0.0.1', port: Number(port), protocol: 2, disableClientInfo: true });

while (true) {
  const popped = await redis.blpopBuffer(`resque:queue:${queue}`, 0);
  if (popped === null) continue;
  const child = spawn(program, [queue, String(process.hrtime.bigint())]);
  child.stdout.resume();
  child.stderr.resume();
  child.stdin.on('error', () => {
    // The program ended before reading everything.
  });
  child.stdin.end(popped[1]);
}
