import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import {
  actionOf,
  type BindingGroup,
  bindingGroups,
  bindingsAt,
  bindingsIn,
  type Context,
  type Focus,
  keymap,
} from '../../src/ui/keys/keymap.ts';

const contexts: readonly Context[] = [
  ...(['queues', 'failures', 'groups', 'jobs', 'events', 'workers', 'delayed'] as const),
  ...(['queue', 'job', 'failure', 'worker', 'delayed-job'] as const),
];

describe('the keymap', () => {
  test.each(contexts)('gives a key one meaning in %s', (context) => {
    const keys = bindingsIn(context, false).flatMap((binding) => binding.keys);
    expect(keys.filter((key, at) => keys.indexOf(key) !== at)).toEqual([]);
  });

  test.each(contexts)('has help, palette, back and quit in %s', (context) => {
    expect(['?', ':', 'escape', 'q', 'ctrl+c'].map((key) => actionOf(key, context, false))).toEqual([
      'help',
      'palette',
      'back',
      'quit',
      'interrupt',
    ]);
  });

  test('asks before whatever ends a job, deletes, or acts on many', () => {
    const asking = keymap.filter(({ asks }) => asks === true).map(({ action }) => action);
    expect(asking).toEqual([
      ...['retry-matching', 'delete', 'retry-group', 'delete-group', 'delete-waiting'],
      ...['terminate-job', 'kill-job', 'remove-worker', 'run-delayed', 'remove-delayed', 'stop-runner'],
    ]);
  });

  test('leaves out all that changes anything when it may only read', () => {
    for (const key of ['p', 'P', '+', '-', '=', 'r', 'R', 'D', 'H', 'T', 'x', 'X', 'Q']) {
      const allowed = contexts.filter((context) => actionOf(key, context, true) !== null);
      expect(allowed, key).toEqual([]);
      expect(
        contexts.some((context) => actionOf(key, context, false) !== null),
        key,
      ).toBe(true);
    }
  });

  test('shows only what works with the focus, on the queues by pane', () => {
    const focus: Focus = {
      ...{ context: 'queues', pane: 'queues' },
      ...{ isRunningJob: false, isFailedJob: false, isRemovable: false, isSearching: false },
      ...{ canGoBack: false, isCompact: false },
    };
    const shown = (change: Partial<Focus>) =>
      bindingsAt({ ...focus, ...change }, false).map(({ action }) => action);
    const ofQueues = ['toggle-pause', 'slots-up', 'slots-set', 'terminate-job', 'kill-job'];
    expect(shown({})).toEqual(expect.arrayContaining(ofQueues));
    expect(shown({})).not.toContain('retry');
    expect(shown({ pane: 'running' })).toEqual(shown({}));
    const ofFailures = shown({ pane: 'failures' });
    expect(ofFailures.filter((action) => ofQueues.includes(action))).toEqual([]);
    expect(ofFailures).toContain('retry');
    expect(shown({ isCompact: true })).not.toContain('tab-2');
    expect(shown({ context: 'queue', pane: 'waiting' })).toEqual(
      expect.arrayContaining(['toggle-pause', 'delete-waiting', 'to-head']),
    );
    expect(shown({ context: 'queue', pane: 'running' })).not.toContain('to-head');
    const job = { context: 'job', pane: null } as const;
    expect(shown({ ...job, isRunningJob: true })).toContain('kill-job');
    expect(shown({ ...job, isFailedJob: true })).toContain('retry-job');
    expect(shown(job)).not.toEqual(expect.arrayContaining(['kill-job', 'retry-job']));
    expect(shown(job)).not.toContain('next-match');
    expect(shown({ ...job, isSearching: true })).toContain('next-match');
    const jobs = { context: 'jobs', pane: null } as const;
    expect(shown(jobs)).not.toContain('kill-job');
    expect(shown({ ...jobs, isRunningJob: true })).toContain('kill-job');
    const workers = { context: 'workers', pane: null } as const;
    expect(shown(workers)).not.toContain('remove-worker');
    expect(shown({ ...workers, isRemovable: true })).toContain('remove-worker');
    const delayed = { context: 'delayed', pane: null } as const;
    expect(shown(delayed)).not.toContain('run-delayed');
    expect(shown({ ...delayed, isRemovable: true })).toContain('run-delayed');
  });

  test('has what acts before what moves', () => {
    for (const context of contexts) {
      const groups = bindingsIn(context, false).map(({ group }) => group);
      const firstMove = groups.indexOf('move');
      expect(groups.slice(firstMove).filter((group) => group === 'act' || group === 'log')).toEqual([]);
    }
  });

  test('calls nothing that asks harmless', () => {
    for (const { action, asks, changes } of keymap) if (asks === true) expect(changes, action).toBe(true);
  });
});

const groupNames: Readonly<Record<BindingGroup, string>> = {
  move: 'moving',
  act: 'acting',
  log: 'in a job’s log',
  program: 'anywhere',
};

/** One row a group: `key` what it does, … */
function keysTable(): string {
  const rows = bindingGroups.map((group) => {
    const own = keymap.filter((binding) => binding.group === group);
    const cells = own.map(
      ({ shown, label, asks }) =>
        `${shown
          .split(' ')
          // A bar would end the cell.
          .map((key) => `\`${key.replace('|', '\\|')}\``)
          .join(' ')} ${label}${asks === true ? ' ●' : ''}`,
    );
    return `| ${groupNames[group]} | ${cells.join(' · ')} |`;
  });
  return ['| | keys |', '|---|---|', ...rows].join('\n');
}

describe('the README', () => {
  const file = fileURLToPath(new URL('../../README.md', import.meta.url));
  const [start, end] = [
    '<!-- keys: UPDATE_DOCS=1 npx vitest run test/ui/keymap.test.ts -->\n',
    '\n<!-- /keys -->',
  ];

  test('shows the keys as they are', () => {
    const text = readFileSync(file, 'utf8');
    const [before, rest = ''] = text.split(start);
    const [, ...after] = rest.split(end);
    expect(after, 'the README has a place for the keys').toHaveLength(1);
    const wanted = `${before}${start}${keysTable()}${end}${after[0]}`;
    if (process.env.UPDATE_DOCS === '1') writeFileSync(file, wanted);
    expect(readFileSync(file, 'utf8')).toBe(wanted);
  });
});
