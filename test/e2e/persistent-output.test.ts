/** Output of persistent children: each job keeps its own output, up to the limit of any job. */
import { describe, expect, test } from 'vitest';
import { children, persistentScript, waitForChildren } from '../helpers/children.ts';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { isAlive, residentBytes } from '../helpers/processes.ts';
import { waitFor } from '../helpers/wait-for.ts';

const e2e = useEndToEnd({ isInProcess: true });
const job = (name: unknown) => ({ class: 'Job', args: [name] });
const mail = { concurrency: 1, mode: 'persistent' };
const keptBytes = 65_536;
/** A failure keeps the output of its job. */
const sayFailed = `echo '{"exception":"E","error":"x"}' >&3`;

/** A child whose job `odd` runs this code; other jobs print their names. All jobs fail. */
function oddScript(odd: string): string {
  return e2e.script(
    persistentScript(
      `case $job in *odd*) ${odd};; *) echo "out $job"; echo "err $job" >&2;; esac; ${sayFailed}`,
    ),
  );
}

/** Checks the output of a job other than `odd`. */
function assertOwnOutput(
  record: { stdout?: string | null; stderr?: string | null } | undefined,
  name: string,
): void {
  const payload = JSON.stringify(job(name));
  expect(record).toMatchObject({ stdout: `out ${payload}\n`, stderr: `err ${payload}` });
}

describe.each([
  ['posix_spawn', {}],
  ['child_process', { RR_NATIVE: 'off' }],
])('with %s', (_how, env) => {
  test('100 MB of output lose no result, and none of it reaches the next job', async () => {
    const flood = 'head -c 100000000 /dev/zero | tr "\\0" x; echo; echo "the end"';
    const config = { runners: { mail }, script: oddScript(flood) };
    const runner = await e2e.run(config, { env, isProgram: true });
    await e2e.enqueue('mail', job('before'), job('odd'), job('after'));
    const [before, odd, after] = await e2e.failures(3, 25_000);
    assertOwnOutput(before, 'before');
    expect(odd?.stdout).toMatch(/^x+\n\[… \d+ bytes left out …\]\nx+\nthe end\n$/);
    expect(Buffer.byteLength(odd?.stdout ?? '')).toBeLessThanOrEqual(keptBytes);
    expect(odd).toMatchObject({ exception: 'E', error: 'x' });
    assertOwnOutput(after, 'after');
    expect(children(e2e)).toHaveLength(1);
    expect(residentBytes(runner.pid)).toBeLessThan(300_000_000);
  });

  test('jobs that print a lot just before their result keep all of their own output', async () => {
    const script = e2e.script(`
fill=$(head -c 20000 /dev/zero | tr '\\0' x)
${persistentScript(`n=\${job#*[}; n=\${n%]*}; echo "$n $fill"; echo "$n $fill $n" >&2; echo "$fill $n"; ${sayFailed}`)}`);
    const count = 40;
    await e2e.enqueue('mail', ...Array.from({ length: count }, (_, n) => job(n)));
    await e2e.run({ runners: { mail }, script }, { env });
    const fill = 'x'.repeat(20_000);
    for (const [n, { stdout, stderr }] of (await e2e.failures(count)).entries()) {
      expect(stdout === `${n} ${fill}\n${fill} ${n}\n`, `stdout of ${n}`).toBe(true);
      expect(stderr === `${n} ${fill} ${n}`, `stderr of ${n}`).toBe(true);
    }
  });
});

test('a megabyte on each stream is cut like that of any job', async () => {
  const odd = 'for n in 1 2; do echo begin; head -c 1000000 /dev/zero | tr "\\0" x; echo; echo end; done';
  await e2e.run({ runners: { mail }, script: oddScript(`${odd}; { ${odd}; } >&2`) });
  await e2e.enqueue('mail', job('odd'), job('after'));
  const [failure, after] = await e2e.failures(2);
  for (const text of [failure?.stdout ?? '', failure?.stderr ?? '']) {
    expect(text.trimEnd()).toMatch(/^begin\nx+\n\[… \d+ bytes left out …\]\nx+\nend$/);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(keptBytes);
  }
  assertOwnOutput(after, 'after');
});

test('binary data on stderr breaks no record', async () => {
  const odd = "printf 'caf\\351 \\377\\376\\000\\033[2J<b>\\r\\n\\200' >&2";
  await e2e.run({ runners: { mail }, script: oddScript(odd) });
  await e2e.enqueue('mail', job('odd'), job('after'));
  const [failure, after] = await e2e.failures(2);
  expect(failure?.stderr).toMatch(/^caf\ufffd \ufffd\ufffd/);
  assertOwnOutput(after, 'after');
});

test('a report on stderr is ignored if the result is a report', async () => {
  await e2e.run({ runners: { mail }, script: oddScript(`echo '{"exception":"Not","error":"this"}' >&2`) });
  await e2e.enqueue('mail', job('odd'));
  const failure = await e2e.failure();
  expect(failure).toMatchObject({ exception: 'E', error: 'x', stderr: '{"exception":"Not","error":"this"}' });
});

test('an unfinished line does not continue in the next job', async () => {
  await e2e.run({ runners: { mail }, script: oddScript('printf half; printf "half of" >&2') });
  await e2e.enqueue('mail', job('odd'), job('after'));
  const [failure, after] = await e2e.failures(2);
  expect(failure).toMatchObject({ stdout: 'half', stderr: 'half of' });
  assertOwnOutput(after, 'after');
});

test('a program that continues printing after the result delays neither the end of the job nor of the child', async () => {
  const script = oddScript('yes & echo $! > "$D/pid"');
  const runner = await e2e.run({ runners: { mail: { ...mail, maxJobs: 1 } }, script });
  await waitForChildren(e2e, 1);
  await e2e.enqueue('mail', job('odd'), job('after'));
  const [failure, after] = await e2e.failures(2);
  expect(failure).toMatchObject({ exception: 'E' });
  assertOwnOutput(after, 'after');
  const [pid] = e2e.fileLines('pid');
  await waitFor(() => !isAlive(Number(pid)), { message: 'the program has ended with the child' });
  expect(runner.all('runner.throttled')).toEqual([]);
});

test('output before the first job or between jobs belongs to no job', async () => {
  const script = e2e.script(`echo booting; echo booting >&2
${persistentScript(`echo "out $job"; echo "err $job" >&2; ${sayFailed}
while [ ! -e "$D/go" ]; do sleep 0.1; done; rm "$D/go"; echo tidy; echo tidy >&2; echo done >> "$D/tidied"`)}`);
  const runner = await e2e.run({ runners: { mail }, script });
  await waitForChildren(e2e, 1);
  for (const [at, name] of ['one', 'two', 'three'].entries()) {
    await e2e.enqueue('mail', job(name));
    await runner.waitForFinished(at + 1);
    e2e.write('go');
    await e2e.waitForFileLines('tidied', at + 1);
  }
  const failures = await e2e.failures(3);
  for (const [at, name] of ['one', 'two', 'three'].entries()) assertOwnOutput(failures[at], name);
});
