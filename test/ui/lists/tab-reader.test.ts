import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type AppStore, changeView, createAppStore } from '../../../src/store/app-store.ts';
import { TabReader } from '../../../src/ui/lists/tab-reader.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function start() {
  const store: AppStore = createAppStore();
  const replies: (() => void)[] = [];
  let reads = 0;
  const reader = new TabReader(store, 'workers', () => {
    reads += 1;
    return new Promise((resolve) => replies.push(resolve));
  });
  const reply = async () => {
    replies.shift()?.();
    await vi.advanceTimersByTimeAsync(0);
  };
  return { store, reader, reply, reads: () => reads };
}

test('a tab is read when it opens, and again two seconds after each reply, until it is left', async () => {
  const { store, reply, reads } = start();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(reads()).toBe(0);
  changeView(store, { tab: 'workers' });
  expect(reads()).toBe(1);
  // A slow reply delays the next read.
  await vi.advanceTimersByTimeAsync(10_000);
  expect(reads()).toBe(1);
  await reply();
  await vi.advanceTimersByTimeAsync(1_999);
  expect(reads()).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(reads()).toBe(2);
  await reply();
  changeView(store, { tab: 'queues' });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(reads()).toBe(2);
  expect(vi.getTimerCount()).toBe(0);
});

test('a change is read at once, but never two at a time', async () => {
  const { store, reader, reply, reads } = start();
  changeView(store, { tab: 'workers' });
  reader.readNow();
  reader.readNow();
  expect(reads()).toBe(1);
  await reply();
  expect(reads()).toBe(2);
  await reply();
  reader.readNow();
  expect(reads()).toBe(3);
  reader.close();
  await reply();
  expect([reads(), vi.getTimerCount()]).toEqual([3, 0]);
});
