import { expect, test } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import {
  effectiveFields,
  entryChanges,
  scheduleChanges,
  topLevelChanges,
} from '../../src/config/effective.ts';
import { configOf, fileWith } from './helpers.ts';

function changed(before: Config, after: Config): string[] {
  const [old, now] = [before.runners[0], after.runners[0]];
  if (old === undefined || now === undefined) throw new Error('no entry');
  return [
    ...topLevelChanges(before, after),
    ...entryChanges(old, now),
    ...scheduleChanges(before.schedules, after.schedules),
  ].map(({ path, text }) => `${path.join('.')}: ${text}`);
}

const schedule = { every: '1d', queue: 'q', class: 'C' };

test.each<[Record<string, unknown>, Record<string, unknown>, string[]]>([
  [{}, {}, []],
  [{ timeout: 60 }, { timeout: 90 }, ['runners.mail.timeout: 60 → 90']],
  [{ timeout: 0 }, { timeout: 90 }, ['runners.mail.timeout: null → 90']],
  [{ args: [] }, { args: ['-v'] }, ['runners.mail.args: [] → ["-v"]']],
  [
    { env: { A: 'hunter2', B: '1', C: '1' } },
    { env: { A: 'hunter3', C: '1', D: '1' } },
    ['runners.mail.env.A: changed', 'runners.mail.env.B: removed', 'runners.mail.env.D: added'],
  ],
  [
    { redis: { password: 'hunter2', port: 1 } },
    { redis: { password: 'hunter3' } },
    ['redis.port: 1 → 6379', 'redis.password: changed'],
  ],
  [
    { script: ['x', 'http://me:hunter2@db/'] },
    { script: ['x', 'http://me:hunter3@db/'] },
    ['runners.mail.script: ["x","http://***@db/"] → ["x","http://***@db/"]'],
  ],
  [{ args: ['x'.repeat(500)] }, {}, [`runners.mail.args: ["${'x'.repeat(198)}… → []`]],
  [
    { schedules: { a: schedule, b: schedule } },
    { schedules: { b: { ...schedule, unique: true }, c: schedule } },
    ['schedules.a: removed', 'schedules.b: changed', 'schedules.c: added'],
  ],
  [
    { redis: 'embedded' },
    { redis: 'unix:///r.sock' },
    ['redis: removed', ...['path', 'db', 'username', 'password'].map((name) => `redis.${name}: added`)],
  ],
])('from %j to %j changes %j', (before, after, changes) => {
  expect(changed(configOf(fileWith(before)), configOf(fileWith(after)))).toEqual(changes);
});

test('a config of 10,000 queues is listed and compared quickly', () => {
  const names = Array.from({ length: 10_000 }, (_, at) => `q${at}`);
  const config = configOf(fileWith({ runners: Object.fromEntries(names.map((name) => [name, 1])) }));
  expect(effectiveFields(config).length).toBeGreaterThan(170_000);
});
