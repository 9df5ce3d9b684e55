import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ConfigFiles } from '../../src/config/files/include.ts';
import { parseConfig } from '../../src/config/files/parse-config.ts';
import { configOf, fileWith, problemsOf } from './helpers.ts';

/** Files beside /etc/rr/cfg.json, by their paths from there; `null` for one that can't be read. */
function filesOf(contents: Readonly<Record<string, unknown>>): { files: ConfigFiles } {
  const paths = new Map(
    Object.entries(contents).map(([name, content]) => [posix.resolve('/etc/rr', name), content]),
  );
  return {
    files: {
      read: (path) => {
        if (!paths.has(path)) return { ok: false, problem: 'there is no such file' };
        const content = paths.get(path);
        if (content === null) return { ok: false, problem: 'no permission to read it' };
        return { ok: true, value: typeof content === 'string' ? content : JSON.stringify(content) };
      },
      list: (directory) => ({
        ok: true,
        value: [...paths.keys()]
          .filter((path) => posix.dirname(path) === directory)
          .map((path) => posix.basename(path)),
      }),
      identify: (path) => path.replace('/link.json', '/a.json'),
    },
  };
}

const mail = { runners: { mail: 2 } };
const reports = { runners: { reports: 3 } };

function main(include: unknown, extra: Record<string, unknown> = {}): string {
  return fileWith({ runners: { own: 1 }, include, ...extra });
}

describe('included files', () => {
  test('add their queues and schedules after those of the file, sorted by name', () => {
    const nightly = { every: '1d', queue: 'reports', class: 'Nightly' };
    const files = filesOf({
      'conf.d/20-mail.json': mail,
      'conf.d/10-reports.json': { ...reports, schedules: { nightly } },
      'conf.d/9.json': '\uFEFF{ "runners": { "x": 1, /* two */ "9": 1, }, } // all',
      'conf.d/.hidden.json': '{',
      'conf.d/mail.json~': '{',
      'last.json': { runners: { '*': 1 } },
    });
    const config = configOf(main(['conf.d/*.json', './last.json']), files);
    expect(config.runners.map(({ key, concurrency }) => [key, concurrency])).toEqual([
      ...[
        ['own', 1],
        ['reports', 3],
        ['mail', 2],
        ['x', 1],
        ['9', 1],
      ], // 1 < 2 < 9
      ['*', 1],
    ]);
    expect(config.schedules).toMatchObject([{ name: 'nightly', queue: 'reports' }]);
  });

  test('can be the only ones with queues', () => {
    const files = filesOf({ 'mail.json': mail });
    expect(configOf('{"include":"mail.json","script":"x"}', files).runners).toHaveLength(1);
    expect(configOf('{"include":"*l.json","script":"x","runners":{}}', files).runners).toHaveLength(1);
  });

  test('inherit what they leave out, and replace the rest for their own queues', () => {
    const files = filesOf({
      'a/a.json': {
        ...{ include: 'b/b.json', timeout: 20, env: { B: 'a', C: 'a' }, cwd: 'work' },
        runners: { mail: { env: { C: 'mail' } }, bulk: { script: './bulk.sh', timeout: null, cwd: null } },
      },
      'a/b/b.json': {
        ...{ script: ['./b.sh', './x'], args: ['-b'], retry: { attempts: 3 }, onFailure: './told' },
        runners: { deep: { cwd: '.' } },
      },
    });
    const shared = { script: './job.sh', timeout: 10, env: { A: 'main', B: 'main' }, killAfter: 1 };
    const { runners } = configOf(main('a/a.json', { ...shared, onFailure: 'told' }), files);
    expect(runners).toMatchObject([
      {
        key: 'own',
        script: ['/etc/rr/job.sh'],
        timeoutSeconds: 10,
        env: { A: 'main', B: 'main' },
        cwd: null,
      },
      {
        ...{
          key: 'mail',
          script: ['/etc/rr/job.sh'],
          timeoutSeconds: 20,
          cwd: '/etc/rr/a/work',
          killAfterSeconds: 1,
        },
        ...{ env: { A: 'main', B: 'a', C: 'mail' }, args: [], retry: null, onFailure: ['told'] },
      },
      { key: 'bulk', script: ['/etc/rr/a/bulk.sh'], timeoutSeconds: null, cwd: null },
      {
        ...{ key: 'deep', script: ['/etc/rr/a/b/b.sh', './x'], args: ['-b'], timeoutSeconds: 20 },
        ...{ cwd: '/etc/rr/a/b', retry: { attempts: 3 }, onFailure: ['/etc/rr/a/b/told'] },
      },
    ]);
  });

  test('can be named with variables, and have variables', () => {
    const files = filesOf({ 'teams/blue.json': { runners: { mail: '${SLOTS}' } } });
    const env = { TEAM: 'blue', SLOTS: '7' };
    expect(configOf(main('teams/${TEAM}.json'), { ...files, env }).runners[1]?.concurrency).toBe(7);
    expect(problemsOf(main('teams/${TEAM}.json'), { ...files, env: { TEAM: 'blue' } })).toEqual([
      'teams/blue.json:1:20: runners.mail: the environment variable SLOTS is not set; set it, or write ${SLOTS:-DEFAULT}',
    ]);
  });

  test('are read once, even if two patterns match one or a link leads to it', () => {
    const files = filesOf({ 'a.json': mail, 'link.json': mail });
    expect(configOf(main(['a.json', '*.json', 'link.json']), files).runners).toHaveLength(2);
  });

  test('may be none, if a pattern matches none', () => {
    expect(configOf(main('conf.d/*.json'), filesOf({})).runners).toHaveLength(1);
    expect(configOf(main([]), filesOf({})).runners).toHaveLength(1);
  });

  test('are all listed, with the file itself', () => {
    const files = filesOf({ 'a.json': { include: 'b.json' }, 'b.json': {}, 'c.json': {} });
    const result = parseConfig(main(['a.json', 'c.json']), { file: '/etc/rr/cfg.json', ...files });
    expect(result.ok && result.files).toEqual([
      '/etc/rr/cfg.json',
      '/etc/rr/a.json',
      '/etc/rr/b.json',
      '/etc/rr/c.json',
    ]);
  });

  test('can be many', () => {
    const names = Array.from({ length: 1_000 }, (_, at) => `q${at}`);
    const contents = names.map((name) => [`conf.d/${name}.json`, { runners: { [name]: 1 } }]);
    const files = filesOf(Object.fromEntries(contents));
    expect(configOf(main('conf.d/*.json'), files).runners).toHaveLength(1_001);
  });
});

test.each<[string, unknown, Record<string, unknown>, string[]]>([
  [
    'a file that is missing',
    ['conf.d/*.json', 'mail.json'],
    {},
    ['cfg.json:1:69: include[1]: mail.json: there is no such file'],
  ],
  [
    'a file that is unreadable',
    '/srv/x.json',
    { '/srv/x.json': null },
    ['cfg.json:1:52: include: /srv/x.json: no permission to read it'],
  ],
  [
    'a file that includes itself',
    '*.json',
    { 'cfg.json': mail },
    ['cfg.json:1:52: include: circular include: cfg.json → cfg.json'],
  ],
  [
    'a circle',
    'a.json',
    { 'a.json': { include: 'sub/b.json' }, 'sub/b.json': { include: ['../link.json'] } },
    ['sub/b.json:1:13: include[0]: circular include: a.json → sub/b.json → link.json'],
  ],
  [
    'a file that two files include',
    ['a.json', 'b.json'],
    { 'a.json': { include: 'c.json' }, 'b.json': { include: 'c.json' }, 'c.json': mail },
    ['b.json:1:12: include: "c.json" is already included by a.json'],
  ],
  [
    'a queue in two files',
    '*.json',
    { 'a.json': { runners: { 'mail,!x': 1 } }, 'b.json': { runners: { 'high, mail,own': 1 } } },
    [
      'b.json:1:30: runners["high, mail,own"]: the queue "mail" is already in a.json:1:23; it can only be in one file',
      'b.json:1:30: runners["high, mail,own"]: the queue "own" is already in cfg.json:1:19; it can only be in one file',
    ],
  ],
  [
    'a schedule in two files',
    ['a.json', 'b.json'],
    {
      'a.json': { schedules: { n: { every: '1d', queue: 'own', class: 'A' } } },
      'b.json': { schedules: { n: { every: '1d', queue: 'own', class: 'B' } } },
    },
    ['b.json:1:19: schedules.n: the schedule "n" is already in a.json:1:19; it can only be in one file'],
  ],
  [
    'schedules without a scheduler',
    'a.json',
    { 'a.json': { schedules: { n: { every: '1d', queue: 'own', class: 'A' } } } },
    ['a.json:1:14: schedules: can\'t be combined with "scheduler": "off", which would never enqueue them'],
  ],
  [
    'an array, an empty file and invalid JSON, all at once',
    '*.json',
    { 'a.json': [], 'b.json': ' // nothing\n', 'c.json': '{\n"runners" 1}' },
    [
      'a.json: the top level must be an object such as { "runners": { … } }, got an array',
      'b.json: the file is empty; write {} into it, or remove it',
      'c.json:2:11: expected a colon after the key',
    ],
  ],
  [
    'fields that belong elsewhere, and unknown ones',
    'a.json',
    { 'a.json': { redis: 'redis://x', concurrency: 5, runers: {}, runners: { mail: 0 } } },
    [
      "a.json: redis: can't be set in an included file, only in the file that the runner starts with",
      'a.json: concurrency: can only be set in an entry of "runners"',
      'a.json: runers: unknown key; did you mean "runners"?',
      'a.json: runners.mail.concurrency: must be 1 or more, got 0',
    ],
  ],
  ['a pattern of directories', '*/a.json', {}, ['include: only the last part of a path can contain "*"']],
  ['another value', { a: 1 }, {}, ['include: must be a path, or an array of paths, got an object']],
  [
    'another value in the list',
    ['a.json', 5],
    {},
    ['include[1]: must be a path, or an array of paths, got 5'],
  ],
])('%s is reported', (_, include, contents, expected) => {
  const extra = JSON.stringify(contents).includes('schedules') ? { scheduler: 'off' } : {};
  const isTwice = expected[0]?.includes('"n" is already') === true;
  expect(problemsOf(main(include, isTwice ? {} : extra), filesOf(contents))).toEqual(expected);
});

test('a file needs a script of its own if none around it has one', () => {
  const files = filesOf({ 'a.json': mail, 'b.json': { ...reports, script: 'x' } });
  const text = '{ "include": "*.json", "runners": { "own": { "script": "x" } } }';
  expect(problemsOf(text, files)).toEqual([
    'a.json: script: missing; give the program that runs the jobs, here or in every entry of "runners"',
  ]);
});

test('no queue in any file is reported', () => {
  const text = '{"include":"conf.d/*","script":"x"}';
  expect(problemsOf(text, filesOf({ 'conf.d/a.json': {} }))).toEqual([
    'runners: must have at least one queue, here or in an included file',
  ]);
  expect(problemsOf(text, filesOf({}))).toEqual([
    'runners: must have at least one queue, and "include" finds no file that can be used',
  ]);
});
