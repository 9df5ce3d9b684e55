/** Finds the jobs whose kept output contains a text. Reads all of it, in files too, and lets other work go on between its parts. */
import { stripVTControlCharacters } from 'node:util';
import { YieldTimer } from '../../failures/search.ts';
import type { OutputReader, OutputStream } from '../../protocol/job.ts';

export interface KeptOutputs {
  /** IDs of the jobs with kept output: ended ones, then running ones. */
  jobIds(): readonly string[];
  /** @returns `null` if it is no longer kept */
  open(jobId: string): OutputReader | null;
}

const readBytes = 256 * 1024;

/**
 * @param text not empty, without a line break. Ignores case, and the colors of the output.
 * @returns IDs of jobs
 */
export async function findOutput(text: string, outputs: KeptOutputs): Promise<readonly string[]> {
  const timer = new YieldTimer();
  const found: string[] = [];
  for (const jobId of outputs.jobIds()) {
    const reader = outputs.open(jobId);
    if (reader === null) continue;
    try {
      if (await hasText(reader, text.toLowerCase(), timer)) found.push(jobId);
    } finally {
      reader.close();
    }
  }
  return found;
}

async function hasText(reader: OutputReader, wanted: string, timer: YieldTimer): Promise<boolean> {
  /** The end of what each stream has printed so far, in which the text may begin. */
  const ends: Record<OutputStream, string> = { stdout: '', stderr: '' };
  for (;;) {
    await timer.yieldIfDue();
    const { pieces, isEnd } = reader.read(readBytes);
    for (const { stream, text } of pieces) {
      const printed = text.includes('\u001B') ? stripVTControlCharacters(text) : text;
      const whole = ends[stream] + printed.toLowerCase();
      if (whole.includes(wanted)) return true;
      ends[stream] = whole.slice(1 - wanted.length || whole.length);
    }
    if (isEnd || pieces.length === 0) return false;
  }
}
