/** How the waiting jobs and the groups of a queue's page are read, with an engine that is made of arrays. */
import { afterEach, expect, test } from 'vitest';
import type { Command, CommandReply, FailureGroup } from '../../../src/protocol/commands.ts';
import type { WaitingJob } from '../../../src/protocol/redis-views.ts';
import { type AppStore, changeView, createAppStore } from '../../../src/store/app-store.ts';
import type { QueuePage } from '../../../src/store/view.ts';
import { GroupList } from '../../../src/ui/lists/group-list.ts';
import { selectedWaiting, waitingKeys } from '../../../src/ui/lists/selection.ts';
import { WaitingJobs } from '../../../src/ui/lists/waiting-list.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { queueState } from '../states.ts';

const page: QueuePage = {
  ...{ kind: 'queue', queue: 'mail', pane: 'waiting', jobId: null, filter: '', waiting: null, group: null },
};

class FakeEngine {
  names: string[] = [];
  groups: FailureGroup[][] = [];
  isDown = false;
  asked: Command[] = [];
  readonly store: AppStore = createAppStore();
  readonly waiting: WaitingJobs;
  readonly list: GroupList;

  constructor(count: number) {
    this.names = Array.from({ length: count }, (_, at) => `j${at + 1}`);
    const send = async (command: Command) => this.#reply(command);
    this.waiting = new WaitingJobs(this.store, send);
    this.list = new GroupList(this.store, send);
    this.changeLength();
  }

  get shown(): string[] {
    return this.store.getState().waitingPages.jobs.map(({ sha1 }) => sha1);
  }

  /** As the engine tells it. */
  changeLength(): void {
    const queue = { ...queueState('mail'), backlog: this.names.length };
    this.store.setState(({ model }) => ({
      model: { ...model, queues: [queue], redis: { ...model.redis, state: 'up' } },
    }));
  }

  moveTo(name: string): void {
    const { waitingPages } = this.store.getState();
    const waiting = waitingKeys(waitingPages.jobs)[this.shown.indexOf(name)] ?? null;
    changeView(this.store, { opened: { ...page, waiting } });
  }

  async waitUntilRead(): Promise<void> {
    await waitFor(() => !this.store.getState().waitingPages.isLoading, { message: 'it is read' });
  }

  #reply(command: Command): CommandReply {
    this.asked.push(command);
    if (this.isDown) return { ok: false, code: 'redis-down', message: 'Redis is down' };
    if (command.type === 'group-failures') {
      const at = command.before ?? 0;
      const next = at + 1 < this.groups.length ? at + 1 : null;
      const groups = this.groups[at] ?? [];
      return { ok: true, message: '', data: { kind: 'failure-groups', total: 9, looked: 1, groups, next } };
    }
    if (command.type !== 'read-waiting') throw new Error(`it asks for ${command.type}`);
    const { from, count, text } = command;
    const rest = this.names.map(waitingJob).slice(from, from + 5_000);
    const jobs = rest.filter(({ sha1 }) => text === null || sha1.includes(text)).slice(0, count);
    const looked = jobs.length < count ? from + rest.length : (jobs.at(-1)?.index ?? 0) + 1;
    const next = looked < this.names.length ? looked : null;
    return { ok: true, message: '', data: { kind: 'waiting', total: this.names.length, jobs, next } };
  }
}

function waitingJob(name: string, index: number): WaitingJob {
  return { index, sha1: name, size: 1, payload: name, isWhole: true, jobClass: name, args: '' };
}

const engines: FakeEngine[] = [];
afterEach(() => {
  for (const { list, waiting } of engines.splice(0)) {
    list.close();
    waiting.close();
  }
});

async function engineWith(count: number): Promise<FakeEngine> {
  const engine = new FakeEngine(count);
  engines.push(engine);
  changeView(engine.store, { opened: page });
  await engine.waitUntilRead();
  return engine;
}

test('nothing is read while no page of a queue is open', () => {
  const engine = new FakeEngine(3);
  engines.push(engine);
  engine.changeLength();
  expect(engine.asked).toEqual([]);
});

test('reads a page of waiting jobs, then further ones as they are wanted, each job once', async () => {
  const engine = await engineWith(250);
  expect(engine.shown).toHaveLength(100);
  expect(engine.shown[0]).toBe('j1');
  engine.waiting.more();
  await waitFor(() => engine.shown.length === 200, { message: 'the next page' });
  await engine.waiting.readOn();
  expect(engine.shown).toEqual(engine.names);
});

test('the cursor stays on its job while others take jobs, and goes to the next one if it was taken', async () => {
  const engine = await engineWith(10);
  engine.moveTo('j3');
  engine.names.shift();
  engine.changeLength();
  await waitFor(() => engine.shown[0] === 'j2', { message: 'it is read again' });
  expect(selectedWaiting(engine.store.getState())?.sha1).toBe('j3');
  engine.names.splice(0, 2);
  engine.changeLength();
  await waitFor(() => engine.shown[0] === 'j4', { message: 'it is read again' });
  expect(selectedWaiting(engine.store.getState())?.sha1).toBe('j4');
});

test('a rare match is looked for to the end of the queue', async () => {
  const engine = await engineWith(12_000);
  changeView(engine.store, { opened: { ...page, filter: 'j11999' } });
  await waitFor(() => engine.shown.join() === 'j11999', { message: 'it is found' });
  await engine.waitUntilRead();
  expect(engine.store.getState().waitingPages.next).toBeNull();
});

test('groups of all replies add up, and those of other queues are left out', async () => {
  const engine = new FakeEngine(0);
  engines.push(engine);
  const group = (queue: string, count: number): FailureGroup => ({
    ...{ exception: 'E', jobClass: 'J', queue, count, retryable: 0, firstFailedAt: null, lastFailedAt: null },
    example: { error: null, args: '' },
  });
  engine.groups = [[group('mail', 2), group('Mail', 7)], [group('mail', 3)]];
  changeView(engine.store, { opened: page });
  await waitFor(() => !engine.store.getState().groupPages.isLoading, { message: 'they are counted' });
  expect(engine.store.getState().groupPages).toMatchObject({
    ...{ groups: [{ queue: 'mail', count: 5 }], looked: 2, total: 9, trouble: null },
  });
});

test('an engine without Redis is told apart from one without jobs', async () => {
  const engine = new FakeEngine(3);
  engines.push(engine);
  engine.isDown = true;
  changeView(engine.store, { opened: page });
  await engine.waitUntilRead();
  await waitFor(() => engine.store.getState().groupPages.trouble !== null, { message: 'it is told' });
  const { waitingPages, groupPages } = engine.store.getState();
  expect(waitingPages.trouble).toBe('Redis is down');
  expect(groupPages.trouble).toBe('Redis is down');
});
