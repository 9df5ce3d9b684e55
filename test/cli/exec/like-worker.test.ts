/** `exec` shows the failure record that a worker writes, for the same script and payload. */
import { expect, test, vi } from 'vitest';
import { oddOutputs } from '../../fixtures/odd-outputs.ts';
import { useEndToEnd } from '../../helpers/end-to-end.ts';
import { markVariable } from '../../helpers/processes.ts';
import { runCommand } from '../run-command.ts';
import type { Document } from './stage.ts';

const e2e = useEndToEnd({ timeoutMs: 60_000 });

interface Case {
  readonly name: string;
  readonly queue: string;
  readonly payload: Buffer;
}

/** Prints the row of the table that the payload names by its number; otherwise prints STDIN. */
const script = `
cat > "$D/stdin.$$"
n=$(sed -n 's/.*"args":\\[\\([0-9]*\\),[0-9]*\\].*/\\1/p' "$D/stdin.$$")
if [ -e "$D/stderr-$n" ]; then
  cat "$D/stdout-$n"; cat "$D/stderr-$n" >&2
  exit "$(sed 's/.*,\\([0-9]*\\)\\].*/\\1/' "$D/stdin.$$")"
fi
cksum < "$D/stdin.$$" >&2
exit 77`;

const ends: readonly (readonly [string, string])[] = [
  ['late', 'echo begun; exec sleep 60'],
  ['deaf', "trap '' TERM; echo begun; while :; do sleep 0.1; done"],
  ['killed', 'echo last words >&2; kill -SEGV $$; sleep 5'],
  ['stays', `read -r job; echo "got $job" >&2; echo '{"exception":"E","error":"e"}' >&3; cat > /dev/null`],
  ['silent', 'read -r job; echo "got $job"; exit 0'],
  ['chatty', 'read -r job; echo nonsense >&3; cat > /dev/null'],
  ['leaves', 'sleep 60 & echo out; echo err >&2; exit 4'],
];

const payloads: readonly (readonly [string, string | Buffer])[] = [
  ['invalid JSON', '{"class":"A"'],
  ['nothing', ''],
  ['an array', '[1]'],
  ['bytes that are no text', Buffer.from([0x7b, 0xff, 0x00, 0xfe])],
  ['big integers', '{"class":"A","args":[9007199254740993,12345678901234567890123]}'],
  ['white space and a line’s end of its own', ' {\n\t"class" : "A" ,\r\n "args":[ 1 ] }\n'],
  ['lone surrogates', '{"class":"A\\udfff","args":["\\ud800 x"],"\\udc00":1}'],
  ['invalid UTF-8 in JSON', Buffer.from('{"class":"A","args":["caf\xe9"]}', 'latin1')],
  ['keys that are there twice', '{"class":"A","class":"B","args":[1],"args":[2]}'],
  [
    'an ActiveJob wrapper without its job',
    '{"class":"ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper","args":[]}',
  ],
  ['200 levels', `{"class":"Deep","args":${'['.repeat(200)}${']'.repeat(200)}}`],
  ['no class', '{}'],
];

test('every record has the same members, except for the time, the CPU time, and the worker’s pid and slot', async () => {
  const outputs = oddOutputs.map(({ name, stderr, stdout = '', exitCode = 1 }, n): Case => {
    e2e.write(`stderr-${n}`, Buffer.from(stderr));
    e2e.write(`stdout-${n}`, stdout);
    return { name, queue: 'odd', payload: Buffer.from(`{"class":"Odd","args":[${n},${exitCode}]}`) };
  });
  const cases = [
    ...outputs,
    ...payloads.map(([name, payload]): Case => ({ name, queue: 'odd', payload: Buffer.from(payload) })),
    ...ends.map(
      ([queue]): Case => ({ name: queue, queue, payload: Buffer.from(`{"class":"C","args":["${queue}"]}`) }),
    ),
  ];
  const entry = (queue: string, rest: object) => ({
    [queue]: {
      concurrency: 1,
      script: e2e.script(ends.find(([name]) => name === queue)?.[1] ?? ''),
      ...rest,
    },
  });
  const persistent = { mode: 'persistent', killAfter: 0.2 };
  const runners = {
    odd: { concurrency: 1, script: e2e.script(script) },
    ...entry('late', { timeout: 0.3 }),
    ...entry('deaf', { timeout: 0.3, killAfter: 0.2 }),
    ...entry('killed', {}),
    ...entry('stays', persistent),
    ...entry('silent', persistent),
    ...entry('chatty', persistent),
    ...entry('leaves', {}),
  };
  for (const { queue, payload } of cases) await e2e.enqueue(queue, payload);
  const runner = await e2e.run({ runners }, { args: ['--drain'] });
  // Programs that `exec` starts in this process are also found by the mark.
  vi.stubEnv(markVariable, e2e.mark);
  const told = await inTurns(cases, (each, at) => documentOf(each, at, runner.configPath));
  expect(await runner.waitForExit(30_000)).toEqual({ code: 0, signal: undefined });

  const recorded = (await e2e.rawFailures()).map(
    (raw) => JSON.parse(raw.toString()) as Record<string, unknown>,
  );
  expect(recorded).toHaveLength(cases.length);
  for (const [at, { name, queue }] of cases.entries()) {
    const place = cases.slice(0, at).filter((other) => other.queue === queue).length;
    const record = recorded.filter((other) => other.queue === queue)[place];
    expect(comparable(told[at]?.failure ?? {}), name).toEqual(comparable(record ?? {}));
  }
});

function comparable(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  expect(record.worker).toMatch(/^[^:]+:\d+-\d+:\w+$/);
  expect(record.failed_at).toMatch(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d UTC$/);
  const { cpu_ms: cpuMs, ...same } = record;
  const worker = String(same.worker).replace(/-[0-9a-f]{8}(\S*):\d+-\d+:/, '$1:PID-SLOT:');
  return { ...same, failed_at: '', hasCpuTime: typeof cpuMs === 'number', worker };
}

/** The result of `exec`, from a file with a line break after the payload. */
async function documentOf({ queue, payload }: Case, at: number, config: string): Promise<Document> {
  const file = e2e.write(`payload-${at}`, Buffer.concat([payload, Buffer.from('\n')]));
  const { stdout } = await runCommand(['exec', queue, file, '--json', '--config', config]);
  return JSON.parse(stdout) as Document;
}

/** Several at a time; more would not be faster. */
async function inTurns<T, R>(all: readonly T[], act: (each: T, at: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const rest = [...all.entries()];
  const work = async () => {
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
      results[next[0]] = await act(next[1], next[0]);
    }
  };
  await Promise.all([work(), work(), work()]);
  return results;
}
