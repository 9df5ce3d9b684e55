/**
 * Jobs go through the whole program as users run it. `npm run test:node` runs this with other versions of Node.
 */
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { useUiStage } from '../ui/stage.ts';

const ui = useUiStage();

test('jobs are enqueued, run, fail, run again and drain, and a screen shows them', async () => {
  const { stage } = ui;
  const script = stage.script('read -r job; case "$job" in *Bad*) test -e "$D/fixed" || exit 3;; esac');
  const config = ui.writeConfig({ runners: { mail: 2 }, script });
  const command = async (...args: string[]) =>
    (await execa(process.execPath, [...ui.commandOf(args).slice(1)], { env: ui.env, stdin: 'ignore' }))
      .stdout;

  const runner = await stage.run({ runners: { mail: 2 }, script });
  await command('enqueue', '--config', config, 'mail', 'Good', '1');
  await command('enqueue', '--config', config, 'mail', 'Bad', '2');
  await runner.waitForFinished(2);
  await stage.failures(1);

  expect(await command('failed', 'list', '--config', config)).toContain('Bad');
  stage.write('fixed');
  await command('failed', 'retry', 'last', '--yes', '--config', config);
  await runner.waitForFinished(3);
  await command('failed', 'remove', 'last', '--yes', '--config', config);
  await stage.failures(0);
  expect(JSON.parse(await command('status', '--json', config))).toMatchObject({
    totals: { processed: 3, failed: 1 },
  });
  runner.signal('SIGTERM');
  expect(await runner.waitForExit()).toEqual({ code: 0, signal: undefined });

  await command('enqueue', '--config', config, 'mail', 'Good', '3');
  const drained = await stage.run({ runners: { mail: 2 }, script }, { args: ['--drain'] });
  expect(await drained.waitForExit()).toEqual({ code: 0, signal: undefined });
  expect(drained.all('job.finished').map(({ outcome }) => outcome)).toEqual(['succeeded']);

  const screen = await ui.start({ runners: { mail: 2 }, script });
  await screen.waitForText('0 waiting');
  await screen.press('q', 'd');
  expect(await screen.exit).toEqual({ exitCode: 0, signal: 0 });
});
