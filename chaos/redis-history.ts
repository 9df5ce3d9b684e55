/**
 * What Redis did with each job, from its append-only file, and where each job is now.
 *
 * The file has a BLPOP as a single LPOP; an LPOP of a step is in a transaction with the rest of the step.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { idOfLock, idOfPayload } from './job-program.ts';

/** `popped`: BLPOP took it, and nothing has been written about it since. `delayed`: it waits for its next attempt. */
export type Place = 'queued' | 'delayed' | 'popped' | 'recorded' | 'held' | 'done';

export class RedisHistory {
  readonly #places = new Map<string, Place>();
  readonly #told = new Map<string, string[]>();
  readonly #lists = new Map<string, string[]>();
  readonly #records = new Map<string, string>();
  readonly #delays = new Map<string, number>();
  /** Jobs whose lock was deleted while they waited or ran. */
  readonly unlocked: string[] = [];

  constructor(directory: string) {
    for (const block of blocksOf(commandsOf(readAppendOnlyFile(directory)))) {
      const isStep = block.some(([name, key = '']) => name === 'SET' && key.endsWith(':step'));
      for (const words of block) this.#take(words, isStep);
    }
  }

  /** The jobs that are still there. */
  in(place: Place): string[] {
    return [...this.#places].filter(([, where]) => where === place).map(([id]) => id);
  }

  /** How many times it was delayed. */
  delaysOf(id: string): number {
    return this.#delays.get(id) ?? 0;
  }

  /** The history of a job, in lines. */
  of(id: string): readonly string[] {
    return this.#told.get(id) ?? [];
  }

  #take(words: readonly string[], isStep: boolean): void {
    const [name = '', key = '', ...rest] = words;
    switch (name) {
      case 'RPUSH':
      case 'LPUSH':
        if (!key.startsWith('resque:queue:')) {
          const isDelay = key.startsWith('resque:delayed:');
          for (const value of rest) {
            this.#move(value, isDelay ? 'delayed' : 'done', words);
            const id = isDelay ? idOfPayload(value) : null;
            if (id !== null) this.#delays.set(id, this.delaysOf(id) + 1);
          }
          return;
        }
        for (const value of rest) {
          const list = this.#lists.get(key) ?? [];
          this.#lists.set(key, name === 'RPUSH' ? [...list, value] : [value, ...list]);
          this.#move(value, 'queued', words);
        }
        return;
      case 'LPOP': {
        const [head, ...tail] = this.#lists.get(key) ?? [];
        this.#lists.set(key, tail);
        if (head !== undefined) this.#move(head, isStep ? 'recorded' : 'popped', words);
        return;
      }
      case 'LMOVE':
      case 'BLMOVE': {
        // A wait for a job that may not start yet.
        if (rest[0] === key) return;
        const [head, ...tail] = this.#lists.get(key) ?? [];
        this.#lists.set(key, tail);
        if (head !== undefined) this.#move(head, 'held', words);
        return;
      }
      case 'SET':
        this.#records.set(key, rest[0] ?? '');
        if (key.startsWith('resque:worker:')) this.#move(rest[0] ?? '', 'recorded', words);
        return;
      case 'LREM':
        this.#move(rest[1] ?? '', 'done', words);
        return;
      case 'DEL':
      case 'UNLINK':
        for (const deleted of [key, ...rest]) {
          const ofLock = idOfLock(deleted);
          if (ofLock !== null) this.#unlock(ofLock, deleted);
          const record = this.#records.get(deleted);
          this.#records.delete(deleted);
          if (record === undefined || !deleted.startsWith('resque:worker:')) continue;
          const id = idOfPayload(record);
          // A job that went back to its queue is in the history already.
          if (id !== null && this.#places.get(id) === 'recorded') this.#move(record, 'done', words);
        }
    }
  }

  /** The lock of resque-lock lasts until a run ends, that of node-resque until the job starts. */
  #unlock(id: string, key: string): void {
    const place = this.#places.get(id);
    const mayRun = key.startsWith('resque:lock:Chaos:');
    if (place === 'queued' || (!mayRun && (place === 'recorded' || place === 'held'))) this.unlocked.push(id);
  }

  #move(text: string, place: Place, words: readonly string[]): void {
    const id = idOfPayload(text);
    if (id === null) return;
    this.#places.set(id, place);
    const told = this.#told.get(id) ?? [];
    told.push(`${place}: ${words.join(' ').slice(0, 300)}`);
    this.#told.set(id, told);
  }
}

function readAppendOnlyFile(directory: string): Buffer {
  const parts = join(directory, 'appendonlydir');
  if (!existsSync(parts)) return readFileSync(join(directory, 'appendonly.aof'));
  const files = readdirSync(parts).filter((file) => file.endsWith('.incr.aof'));
  return Buffer.concat(files.sort().map((file) => readFileSync(join(parts, file))));
}

function* commandsOf(file: Buffer): Generator<string[]> {
  let at = 0;
  const line = () => {
    const end = file.indexOf('\r\n', at);
    const text = file.toString('latin1', at, end);
    at = end + 2;
    return text;
  };
  while (at < file.length) {
    const head = line();
    // `#TS:…`
    if (!head.startsWith('*')) continue;
    const words: string[] = [];
    for (let count = Number(head.slice(1)); count > 0; count -= 1) {
      const length = Number(line().slice(1));
      words.push(file.toString('utf8', at, at + length));
      at += length + 2;
    }
    yield [words[0]?.toUpperCase() ?? '', ...words.slice(1)];
  }
}

/** Commands of one step: a transaction, or a single command. */
function* blocksOf(commands: Iterable<string[]>): Generator<string[][]> {
  let block: string[][] | null = null;
  for (const words of commands) {
    if (words[0] === 'MULTI') block = [];
    else if (words[0] === 'EXEC') {
      if (block !== null) yield block;
      block = null;
    } else if (block !== null) block.push(words);
    else yield [words];
  }
}
