/**
 * docs/configuration.md has every field of the config as it is, and the README those of the top level. UPDATE_DOCS=1
 * writes their tables anew.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { documentedFields, fields, isSharedWithEntries, withTables } from './generate-configuration.ts';

const url = (name: string) => new URL(`../../${name}`, import.meta.url);

test.each(['docs/configuration.md', 'README.md'])(
  '%s has the tables that the definitions give (UPDATE_DOCS=1 writes them anew)',
  (name) => {
    const wanted = withTables(readFileSync(url(name), 'utf8'));
    if (process.env.UPDATE_DOCS === '1') writeFileSync(url(name), wanted);
    expect(readFileSync(url(name), 'utf8')).toBe(wanted);
  },
);

test('README.md has each field of the top level', () => {
  const wanted = [...fields.keys()].filter((path) => !path.includes('.') && path !== '$schema');
  const told = documentedFields(readFileSync(url('README.md'), 'utf8')).map((path) => path.split('.')[0]);
  expect(told.toSorted()).toEqual(wanted.toSorted());
});

test('docs/configuration.md has each field once', () => {
  // What an entry shares with the top level is told there.
  const isTold = (path: string) => {
    const [top = '', name = ''] = path.split('.');
    return top !== 'runners' || !isSharedWithEntries(name);
  };
  const wanted = [...fields.keys()].filter(isTold);
  expect(documentedFields(readFileSync(url('docs/configuration.md'), 'utf8')).toSorted()).toEqual(
    wanted.toSorted(),
  );
});

test('a table is made of what a field may be, its default and its description', () => {
  const text = 'before\n<!-- fields: killAfter redis.db -->\nstale\n<!-- /fields -->\nafter\n';
  expect(withTables(text).split('\n')).toEqual([
    'before',
    '<!-- fields: killAfter redis.db -->',
    '| field | what it may be | default | what it is |',
    '|---|---|---|---|',
    '| `killAfter` ● | seconds | `4` | Seconds between TERM and KILL, whatever it is that ends a job. |',
    '| `redis.db` | whole number from 0 |  | Number of the database; 0 if not given. |',
    '<!-- /fields -->',
    'after',
    '',
  ]);
  expect(() => withTables('<!-- fields: nothing -->\n<!-- /fields -->')).toThrow('no field nothing');
});
