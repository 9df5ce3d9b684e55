/** `onFailure` in a real runner: across its stop, its drain and its death. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { isAlive } from '../helpers/processes.ts';
import { waitFor } from '../helpers/wait-for.ts';

const stage = useEndToEnd();

const noting = () => stage.script(`printf '%s %s\\n' "$(cat)" "$1" >> "$D/heard"`);
const failures = () => stage.client.lrange(stage.key('failed'), 0, -1);
const heard = (count: number) => stage.waitForFileLines('heard', count);

test('the next runner tells the jobs of a killed one, and ends its programs', async () => {
  const script = stage.script(
    'read -r job || :; case "$job" in *Bad*) exit 1;; esac; echo >> "$D/slow"; exec sleep 300',
  );
  const hanging = stage.script('echo $$ > "$D/pid"; exec sleep 300');
  const config = { script, runners: { mail: 2 } };
  const first = await stage.run({ ...config, onFailure: hanging }, { isProgram: true });
  await stage.enqueue('mail', { class: 'Bad', args: [] }, { class: 'Slow', args: [] });
  await stage.waitForFileLines('slow');
  const pid = Number((await stage.waitForFileLines('pid'))[0]);
  first.signal('SIGKILL');
  await first.waitForExit();
  expect(isAlive(pid)).toBe(true);

  await stage.run({ ...config, onFailure: [noting()] }, { isProgram: true });
  const [line] = await heard(1);
  const [, recovered] = await failures();
  expect(line).toBe(`${recovered} mail`);
  expect(recovered).toContain('Resque::PruneDeadWorkerDirtyExit');
  await waitFor(() => !isAlive(pid), { message: 'the program of the killed runner is ended' });
});

test('a stop ends programs that hang, and says so', async () => {
  const hanging = stage.script('trap "" TERM; echo >> "$D/hanging"; while :; do sleep 300; done');
  const runner = await stage.run({ script: '/bin/false', runners: { mail: 6 }, onFailure: hanging });
  await stage.enqueue('mail', ...Array.from({ length: 6 }, (_, at) => ({ class: 'Bad', args: [at] })));
  await stage.failures(6);
  await stage.waitForFileLines('hanging', 4);
  expect(await runner.stop()).toEqual({ code: 0, signal: undefined });
  const dropped = runner.lines.filter(({ event }) => event === 'notice.dropped');
  expect(dropped.map(({ message }) => message).join('\n')).toContain('the runner stops before it could run');
  expect(runner.lines.some(({ event }) => event === 'notice.failed')).toBe(true);
});

test('a drain ends after the program of the last failure', async () => {
  await stage.enqueue('mail', { class: 'Bad', args: [1] }, { class: 'Bad', args: [2] });
  const slow = stage.script(`sleep 0.5; printf '%s %s\\n' "$(cat)" "$1" >> "$D/heard"`);
  const config = { script: '/bin/false', runners: { mail: 1 }, onFailure: slow };
  const runner = await stage.run(config, { args: ['--drain'] });
  expect(await runner.waitForExit()).toEqual({ code: 0, signal: undefined });
  const told = readFileSync(stage.path('heard'), 'utf8').trim().split('\n');
  expect(told.sort()).toEqual((await failures()).map((record) => `${record} mail`).sort());
});
