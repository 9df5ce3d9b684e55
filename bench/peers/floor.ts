/**
 * The floor of `latency`: the least that a Node process can do between RPUSH and the start of a program. One
 * BLPOP, one `spawn`; nothing is written, counted or limited. Bundled as the runner is, so about as large.
 *
 * Arguments: port of Redis, queue, program. The program's second argument says when `spawn` was called.
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
    // It ended without reading all.
  });
  child.stdin.end(popped[1]);
}
