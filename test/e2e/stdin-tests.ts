/** The payload on STDIN, for scripts that read all, part or none of it. */
import { expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';

export function stdinTests(): void {
  const e2e = useEndToEnd({ isInProcess: true });

  /** Far more than a pipe or a socket holds. */
  const large = { class: 'Large', args: ['x'.repeat(300 * 1024)] };
  const small = { class: 'Small', args: [] };

  test('a script that never reads a payload of 300 KB succeeds', async () => {
    const script = e2e.script('sleep 0.1; exit 0');
    await e2e.enqueue('mail', large, small);
    const runner = await e2e.run({ runners: { mail: 1 }, script });
    const finished = await runner.waitForFinished(2);
    expect(finished.map(({ outcome }) => outcome)).toEqual(['succeeded', 'succeeded']);
    await e2e.waitForStat('processed', 2);
  });

  test("scripts that exit before reading lose no job and don't crash the runner", async () => {
    const script = e2e.script('exit 3');
    await e2e.enqueue('mail', ...Array.from({ length: 30 }, () => large), small);
    const runner = await e2e.run({ runners: { mail: 4 }, script });
    for (const failure of await e2e.failures(31)) expect(failure.exit_code).toBe(3);
    await e2e.waitForStat('processed', 31);
    expect(runner.hasExited).toBe(false);
  });

  test('a script that immediately closes its STDIN succeeds', async () => {
    const script = e2e.script('exec <&-; sleep 0.05; exit 0');
    await e2e.enqueue('mail', large, large, small);
    const runner = await e2e.run({ runners: { mail: 2 }, script });
    const finished = await runner.waitForFinished(3);
    expect(finished.every(({ outcome }) => outcome === 'succeeded')).toBe(true);
  });

  test('a script that reads only the first bytes succeeds', async () => {
    const script = e2e.script('head -c 10 > "$D/head"; exit 0');
    await e2e.enqueue('mail', large);
    const runner = await e2e.run({ runners: { mail: 1 }, script });
    const [line] = await runner.waitForFinished(1);
    expect(line?.outcome).toBe('succeeded');
    expect(e2e.read('head')).toBe('{"class":"');
  });

  test('a script that reads slowly gets the whole payload, then the end of the file', async () => {
    const script = e2e.script('head -c 1000 > "$D/all"; sleep 0.2; cat >> "$D/all"; echo end > "$D/end"');
    await e2e.enqueue('mail', large);
    const runner = await e2e.run({ runners: { mail: 1 }, script });
    await runner.waitForFinished(1);
    expect(e2e.read('all')).toBe(JSON.stringify(large));
    expect(e2e.read('end')).toBe('end\n');
  });

  test('the payload can be read from /dev/stdin too', async () => {
    const script = e2e.script('cat /dev/stdin > "$D/all"');
    await e2e.enqueue('mail', large);
    const runner = await e2e.run({ runners: { mail: 1 }, script });
    const [line] = await runner.waitForFinished(1);
    expect(line?.outcome).toBe('succeeded');
    expect(e2e.read('all')).toBe(JSON.stringify(large));
  });

  test('a grandchild inherits the payload', async () => {
    const script = e2e.script('sh -c "cat" > "$D/all"');
    await e2e.enqueue('mail', large);
    const runner = await e2e.run({ runners: { mail: 1 }, script });
    await runner.waitForFinished(1);
    expect(e2e.read('all')).toBe(JSON.stringify(large));
  });
}
