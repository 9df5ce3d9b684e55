/** How the list of failures is read, with an engine that is made of an array. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import type { Command, CommandReply } from '../../../src/protocol/commands.ts';
import { type AppStore, changeView, createAppStore } from '../../../src/store/app-store.ts';
import { initialView } from '../../../src/store/view.ts';
import { FailureList } from '../../../src/ui/lists/failure-list.ts';
import { failureKeys } from '../../../src/ui/lists/selection.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { failureEntry } from '../states.ts';

class FakeEngine {
  /** Newest last, as in Redis. */
  names: string[];
  refusal: string | null = null;
  /** Replies that wait, by the number of the question. */
  readonly #held = new Map<number, Promise<void>>();
  asked: { before: number | null; count: number; text: string | null }[] = [];
  readonly store: AppStore = createAppStore();
  readonly list: FailureList;

  constructor(count: number) {
    this.names = Array.from({ length: count }, (_, at) => `f${at + 1}`);
    changeView(this.store, { tab: 'failures' });
    this.list = new FailureList(this.store, (command) => this.#reply(command));
  }

  get shown(): string[] {
    return this.store.getState().failurePages.entries.map(({ jobClass }) => jobClass ?? '');
  }

  get cursor(): string | null {
    const { failurePages, view } = this.store.getState();
    const at = failureKeys(failurePages.entries).indexOf(view.failures.cursor ?? '');
    return this.shown[at] ?? null;
  }

  moveTo(name: string): void {
    const { failurePages, view } = this.store.getState();
    const cursor = failureKeys(failurePages.entries)[this.shown.indexOf(name)] ?? null;
    changeView(this.store, { failures: { ...view.failures, cursor } });
  }

  filter(filter: string): void {
    changeView(this.store, { failures: { ...initialView.failures, filter } });
    this.list.restart();
  }

  async waitUntilRead(): Promise<void> {
    await waitFor(
      () => {
        const { isLoading, total } = this.store.getState().failurePages;
        return !isLoading && total !== null;
      },
      { message: 'it is read' },
    );
  }

  /** Holds back the answer to the `n`th question from now on. @returns lets it go */
  hold(n: number): () => void {
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#held.set(this.asked.length + n, held);
    return release;
  }

  async #reply(command: Command): Promise<CommandReply> {
    if (command.type !== 'find-failures') throw new Error(`it asks for ${command.type}`);
    const { before, count, filter } = command;
    this.asked.push({ before, count, text: filter.text });
    const found = this.#find(before, count, filter.text);
    await this.#held.get(this.asked.length);
    if (this.refusal !== null) return { ok: false, code: 'redis-down', message: this.refusal };
    return { ok: true, message: '', data: found };
  }

  #find(before: number | null, count: number, text: string | null) {
    const matching = this.names
      .map((name, index) => failureEntry(index, name))
      .slice(0, before ?? undefined)
      .reverse()
      .filter(({ jobClass }) => text === null || jobClass?.includes(text));
    const entries = matching.slice(0, count);
    const next = matching.length > entries.length ? (entries.at(-1)?.index ?? null) : null;
    return { kind: 'failures' as const, total: this.names.length, entries, next };
  }
}

const engines: FakeEngine[] = [];
afterEach(() => {
  for (const { list } of engines.splice(0)) list.close();
});

async function engineWith(count: number): Promise<FakeEngine> {
  const engine = new FakeEngine(count);
  engines.push(engine);
  engine.list.restart();
  await engine.waitUntilRead();
  return engine;
}

test('reads a page, then further ones as they are wanted, each entry once', async () => {
  const engine = await engineWith(250);
  expect(engine.shown).toHaveLength(100);
  expect(engine.shown[0]).toBe('f250');
  engine.list.more();
  engine.list.more();
  await engine.waitUntilRead();
  expect(engine.shown).toHaveLength(200);
  engine.list.more();
  await engine.waitUntilRead();
  expect(engine.shown).toEqual(engine.names.toReversed());
  const count = engine.asked.length;
  engine.list.more();
  expect(engine.asked).toHaveLength(count);
});

test('reads on to the oldest, in pages that the engine gives', async () => {
  const engine = await engineWith(4_321);
  await engine.list.readOn();
  expect(engine.shown).toEqual(engine.names.toReversed());
  expect(Math.max(...engine.asked.map(({ count }) => count))).toBe(1_000);
});

test('of a list without end it reads on in parts', async () => {
  const engine = await engineWith(12_000);
  await engine.list.readOn();
  expect(engine.shown).toHaveLength(5_100);
  await engine.list.readOn();
  expect(engine.shown).toHaveLength(10_100);
});

test('read anew, a long list is as long as before, and the cursor on its entry', async () => {
  const engine = await engineWith(3_000);
  await engine.list.readOn();
  engine.moveTo('f7');
  engine.names.push('new');
  engine.list.reread();
  await waitFor(() => engine.shown[0] === 'new', { message: 'the new one is seen' });
  expect(engine.shown).toHaveLength(3_000);
  expect(engine.cursor).toBe('f7');
});

test('an entry that goes away under the cursor leaves it to the next', async () => {
  const engine = await engineWith(10);
  engine.moveTo('f5');
  engine.names = engine.names.filter((name) => name !== 'f5' && name !== 'f6');
  engine.list.reread();
  await waitFor(() => engine.shown.length === 8, { message: 'both are gone' });
  expect(engine.cursor).toBe('f4');
});

test('of two filters, the answer to the first is not taken for one to the second', async () => {
  const engine = await engineWith(30);
  const release = engine.hold(1);
  engine.filter('f1');
  await nextTurn();
  expect(engine.asked).toHaveLength(2);
  engine.filter('f2');
  release();
  await engine.waitUntilRead();
  expect(engine.shown[0]).toBe('f29');
  expect(engine.shown.every((name) => name.startsWith('f2'))).toBe(true);
});

test('what can no longer be read stays, and is read again when it can', async () => {
  const engine = await engineWith(300);
  engine.refusal = 'Redis is away';
  engine.list.more();
  await waitFor(() => engine.store.getState().failurePages.trouble !== null, { message: 'it is told' });
  expect(engine.shown).toHaveLength(100);
  engine.refusal = null;
  engine.list.more();
  await engine.waitUntilRead();
  expect(engine.shown).toHaveLength(200);
  expect(engine.store.getState().failurePages.trouble).toBeNull();
});

test('read anew while it is read on, it becomes no shorter, and has no gap', async () => {
  const engine = await engineWith(300);
  engine.names.push('new');
  // The newest for the first screen, then those for the list.
  const release = engine.hold(2);
  engine.list.reread();
  await waitFor(() => engine.asked.length === 3, { message: 'it is being read anew' });
  engine.names.push('newer');
  const readOn = engine.list.readOn();
  release();
  await readOn;
  await nextTurn();
  expect(engine.shown).toEqual(engine.names.slice(0, -1).reverse());
});
