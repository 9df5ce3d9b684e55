// A persistent job program that does nothing: it answers each payload line with a successful result.
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

const result = Number(process.env.RESQUE_RESULT_FD);
createInterface({ input: process.stdin }).on('line', () => {
  writeSync(result, '{"ok":true}\n');
});
