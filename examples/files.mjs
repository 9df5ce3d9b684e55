#!/usr/bin/env node
// Compresses or deletes files: {"class":"Compress","args":["a.log","b.log"]}. Copy it and put your own jobs in `jobs`.
import { open, rename, rm, stat, unlink } from 'node:fs/promises';
import { json } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

class EmptyFile extends Error {} // Failures can be filtered by this name.
class UnknownClass extends Error {}
class Stopped extends Error {}

const stopping = new AbortController();
const { signal } = stopping;

async function compress(...paths) {
  for (const [index, path] of paths.entries()) {
    console.error(`compressing ${index + 1} of ${paths.length}: ${path}`);
    if ((await stat(path)).size === 0) throw new EmptyFile(`${path} is empty`);
    const part = `${path}.gz.part`;
    try {
      const [source, target] = [await open(path), await open(part, 'w')];
      await pipeline(source.createReadStream(), createGzip(), target.createWriteStream(), { signal });
      await rename(part, `${path}.gz`); // Atomic, so the job can run again however this run ended.
    } catch (error) {
      Error.captureStackTrace(error); // A stream's error has no line of this file in its stack.
      throw error;
    } finally {
      await rm(part, { force: true });
    }
  }
}

async function remove(...paths) {
  for (const path of paths) {
    signal.throwIfAborted();
    await unlink(path);
  }
}

const jobs = new Map([
  ['Compress', compress],
  ['Delete', remove],
]);

try {
  const payload = await json(process.stdin);
  // Not earlier: before the job there is nothing to clean up.
  process.once('SIGTERM', () => stopping.abort(new Stopped('stopped by TERM, nothing half done is left')));
  const job = jobs.get(payload.class);
  if (job === undefined) throw new UnknownClass(`this script has no job of class ${payload.class}`);
  await job(...payload.args);
} catch (thrown) {
  const error = signal.aborted ? signal.reason : thrown;
  const backtrace = thrown.stack.match(/(?<=^ +at ).+/gm);
  console.error(JSON.stringify({ exception: error.constructor.name, error: error.message, backtrace }));
  process.exitCode = signal.aborted ? 143 : 1; // 0 would mean that the job is done; 143 is 128 + TERM.
}
