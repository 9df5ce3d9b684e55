// A job that prints lines at a given rate, controlled by the clock and not by the reader. Its args: lines per second, total
// lines (0: no end), descriptor (1 or 2), a file for the number of written lines, and one that it waits for after its first
// lines ('': none).
import { existsSync, openSync, readFileSync, writeSync } from 'node:fs';

const [rate, total, fd, progressFile, goFile] = JSON.parse(readFileSync(0, 'utf8')).args;
const progress = openSync(progressFile, 'w');
const tickMs = 10;
/** Limits the burst after a slow reader has stopped this program. */
const longestTickMs = 50;

let printed = 0;
let owed = 0;
let lastMs = performance.now();

/** @param {number} count */
function print(count) {
  let text = '';
  for (let line = printed + 1; line <= printed + count; line += 1) {
    text += `${line} frame=${line % 4999} fps=61 q=28.0 size=${line % 88_064}kB speed=2.4x\n`;
  }
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
  printed += count;
  writeSync(progress, String(printed).padEnd(16), 0);
}

const timer = setInterval(() => {
  const now = performance.now();
  if (printed > 0 && goFile !== '' && !existsSync(goFile)) {
    lastMs = now;
    return;
  }
  owed += (rate * Math.min(longestTickMs, now - lastMs)) / 1000;
  lastMs = now;
  const count = Math.min(Math.floor(owed), total === 0 ? Number.POSITIVE_INFINITY : total - printed);
  owed -= count;
  if (count > 0) print(count);
  if (total !== 0 && printed >= total) clearInterval(timer);
}, tickMs);
