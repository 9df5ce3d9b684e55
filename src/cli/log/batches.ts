import type { Io } from '../command-line/io.ts';
import type { LogStream } from './log.ts';

/** Characters that may wait for others. */
const limit = 64 * 1024;

/**
 * Lines that come together go out in one write: at thousands of jobs a second, the calls would cost more than the
 * lines. What is left when the process exits goes out then.
 */
export function inBatches({ stdout, process }: Pick<Io, 'stdout' | 'process'>): LogStream {
  let lines = '';
  const flush = () => {
    const text = lines;
    lines = '';
    if (text !== '') stdout.write(text);
  };
  process.on('exit', flush);
  return {
    write(text) {
      if (lines === '') queueMicrotask(flush);
      lines += text;
      if (lines.length > limit) flush();
    },
    on: (event, listener) => stdout.on(event, listener),
  };
}
