/** docs/configuration.md describes every field of the config. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { documentedFields, fields, isSharedWithEntries, withTables } from './generate-configuration.ts';

const document = new URL('../../docs/configuration.md', import.meta.url);

test('its tables are generated from the definitions (UPDATE_DOCS=1 writes them)', () => {
  const wanted = withTables(readFileSync(document, 'utf8'));
  if (process.env.UPDATE_DOCS === '1') writeFileSync(document, wanted);
  expect(readFileSync(document, 'utf8')).toBe(wanted);
});

test('it has each field once', () => {
  // Fields that an entry shares with the top level are described there only.
  const isTold = (path: string) => {
    const [top = '', name = ''] = path.split('.');
    return top !== 'runners' || !isSharedWithEntries(name);
  };
  const wanted = [...fields.keys()].filter(isTold);
  expect(documentedFields(readFileSync(document, 'utf8')).toSorted()).toEqual(wanted.toSorted());
});

test('a table has the type, default and description of each field', () => {
  const text = 'before\n<!-- fields: killAfter redis.db -->\nstale\n<!-- /fields -->\nafter\n';
  expect(withTables(text).split('\n')).toEqual([
    'before',
    '<!-- fields: killAfter redis.db -->',
    '| field | type | default | description |',
    '|---|---|---|---|',
    '| `killAfter` ● | seconds | `4` | Seconds between TERM and KILL when the runner kills a job. |',
    '| `redis.db` | whole number, 0 or more |  | Number of the database; 0 by default. |',
    '<!-- /fields -->',
    'after',
    '',
  ]);
  expect(() => withTables('<!-- fields: nothing -->\n<!-- /fields -->')).toThrow('no field nothing');
});
