/**
 * docs/metrics.md has every metric. Its tables are made from the definitions; they stand between markers that say how the names
 * in a table begin.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Definition, definitions } from '../../src/monitoring/metrics/definitions.ts';

const document = new URL('../../docs/metrics.md', import.meta.url);
const all: readonly [string, Definition][] = Object.entries(definitions);
const marker = /<!-- metrics: (\w+) -->\n[\s\S]*?<!-- \/metrics -->/g;

function withTables(text: string): string {
  return text.replace(marker, (_, start: string) =>
    [`<!-- metrics: ${start} -->`, tableOf(start), '<!-- /metrics -->'].join('\n'),
  );
}

function tableOf(start: string): string {
  const rows = all
    .filter(([name]) => name.startsWith(start))
    .map(([name, { type, labels = [], help, hasClass = false }]) => {
      const names = [...labels, ...(hasClass ? ['class'] : [])].map((label) => `\`${label}\``).join(', ');
      return `| \`${name}\` | ${type} | ${names} | ${help} |`;
    });
  return ['| metric | type | labels | description |', '|---|---|---|---|', ...rows].join('\n');
}

test('its tables are generated from the definitions (UPDATE_DOCS=1 writes them)', () => {
  const wanted = withTables(readFileSync(document, 'utf8'));
  if (process.env.UPDATE_DOCS === '1') writeFileSync(document, wanted);
  expect(readFileSync(document, 'utf8')).toBe(wanted);
});

test('it has each metric once', () => {
  const rows = [
    ...readFileSync(document, 'utf8').matchAll(/^\| `(\w+)` \| (?:counter|gauge|histogram) \|/gm),
  ];
  expect(rows.map(([, name]) => name)).toEqual(all.map(([name]) => name));
});

test.each(all)("%s follows Prometheus' rules for names", (name, { type, unit, help }) => {
  expect(name).toMatch(/^(resque_runner|process)_[a-z_]+$/);
  expect(name.endsWith('_total')).toBe(type === 'counter');
  if (unit !== undefined) expect(name.replace(/_total$/, '')).toMatch(new RegExp(`_${unit}$`));
  expect(help).toMatch(/^[^"\\\n|]+\.$/);
});
