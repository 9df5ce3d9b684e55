// A persistent job program that does nothing: for each payload, a line of its own, the result says that it is done.
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

const result = Number(process.env.RESQUE_RESULT_FD);
createInterface({ input: process.stdin }).on('line', () => {
  writeSync(result, '{"ok":true}\n');
});
