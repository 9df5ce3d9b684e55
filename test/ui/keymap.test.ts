import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { actionOf, type BindingGroup, bindingsIn, type Context, keymap } from '../../src/ui/keys/keymap.ts';

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
  const groups: readonly BindingGroup[] = ['move', 'act', 'log', 'program'];
  const rows = groups.map((group) => {
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
