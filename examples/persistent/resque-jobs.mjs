// Job scripts for resque-runner, in both of its modes: run(handler) awaits handler(payload, queue) for each job.
import { writeFileSync } from 'node:fs';
import { format } from 'node:util';

export async function run(handler) {
  const { RESQUE_RESULT_FD: fd, RESQUE_QUEUE: queue = process.argv[2] } = process.env;
  delete process.env.RESQUE_RESULT_FD;
  let rest = ''; // Without a descriptor ("mode": "process" or by hand), all of STDIN is one payload.
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    const lines = fd && chunk.includes('\n') ? (rest + chunk).split('\n') : [rest + chunk];
    rest = lines.pop();
    for (const line of lines.filter(Boolean))
      writeFileSync(Number(fd), `${(await perform(handler, line, queue)) ?? '{"ok":true}'}\n`);
  }
  const failure = fd ? undefined : await perform(handler, rest, queue);
  process.stderr.write(failure ? `\n${failure}\n` : '', () => process.exit(failure ? 1 : 0));
}

async function perform(handler, payload, queue) {
  try {
    await handler(JSON.parse(payload), queue);
  } catch (thrown) {
    const { name, message: error, stack } = thrown instanceof Error ? thrown : new Error(format(thrown));
    const exception = name === 'Error' ? (thrown?.constructor?.name ?? name) : name;
    return JSON.stringify({ exception, error, backtrace: stack?.match(/(?<=^ +at ).+/gm) });
  } finally {
    for (const stream of [process.stdout, process.stderr]) await new Promise((end) => stream.write('', end));
  }
}
