/** Screens and runners of other releases: they work together, or the screen says why they can't. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { buildOldVersion, hasCommit } from '../../helpers/old-version.ts';
import type { Terminal } from '../../helpers/terminal.ts';
import { useUiStage } from '../../ui/stage.ts';
import { bundleOldVersion } from './old-bundle.ts';

const ui = useUiStage({ timeoutMs: 60_000 });

/** The last one with the first edition of the screen, and the last one with the former version of the link. */
const commits = { firstEdition: '5a393bf', formerLink: '769db4b' };
const isThere = Object.values(commits).every(hasCommit);
let firstEdition = '';
let formerLink = '';

beforeAll(async () => {
  if (!isThere) return;
  firstEdition = await bundleOldVersion(commits.firstEdition);
  formerLink = await buildOldVersion(commits.formerLink);
}, 120_000);
beforeEach(({ skip }) => skip(!isThere, 'this clone has too little history'));

/** Its jobs need no time when it stops. */
const config = () => ({
  ...{ shutdownTimeout: 0.1, killAfter: 0.2 },
  script: ui.stage.script('echo "it runs" >&2; cat > /dev/null; exec sleep 60'),
  runners: { mail: 1, 'tenant_*': 2 },
});

async function leave(screen: Terminal): Promise<void> {
  await screen.press('q');
  expect(await screen.exit, screen.describe()).toEqual({ exitCode: 0, signal: 0 });
}

describe('a screen of the first edition', () => {
  async function attachOld(): Promise<Terminal> {
    const screen = ui.terminal({
      command: [process.execPath, firstEdition, 'attach'],
      columns: 120,
      rows: 36,
    });
    await screen.waitForText('mail');
    return screen;
  }

  test('shows what this runner does, whatever happened before', async () => {
    const runner = await ui.stage.run(config());
    const now = await ui.attach();
    // Events that the old screen doesn't know: of everything, and of an entry.
    await now.press('P');
    await now.waitForText('PAUSED');
    await now.press('P');
    await now.waitForNoText('PAUSED');
    const old = await attachOld();
    await old.waitForText('0 waiting');
    await now.press('P');
    await old.waitForText('PAUSED');
    await old.press('4');
    await old.waitForText('Events');
    await old.waitForText('started, pid');
    await old.press('1');
    await old.waitForText('PAUSED');
    await now.press('P');
    await old.waitForNoText('PAUSED');
    // Each knows what the other one sees before the next key: P toggles.
    await now.waitForNoText('PAUSED');
    await old.press('P');
    await Promise.all([old.waitForText('PAUSED'), now.waitForText('PAUSED')]);
    await old.press('P');
    await Promise.all([old.waitForNoText('PAUSED'), now.waitForNoText('PAUSED')]);
    await ui.stage.enqueue('mail', { class: 'First', args: [] });
    await old.waitForText('#1  First');
    await leave(old);
    await leave(now);
    expect(runner.hasExited).toBe(false);
  });
});

describe('the next runner', () => {
  test('may be of an earlier release, and the one after it of this one', async () => {
    const first = await ui.stage.run(config());
    const screen = await ui.attach();
    await screen.press('P');
    await screen.waitForText('PAUSED');
    await screen.press('P');
    await screen.waitForNoText('PAUSED');
    await first.stop();
    await screen.waitForText('has stopped; waiting for the next one');
    const second = await ui.stage.run(config(), { program: firstEdition });
    await screen.waitForText(`attached to process ${second.pid}`);
    await ui.stage.enqueue('mail', { class: 'First', args: [] });
    await screen.waitForText('#1  First');
    await screen.press('p');
    await screen.waitForText(/draining|PAUSED/);
    await screen.press('return');
    await screen.waitForText('First');
    await screen.press('escape', '2', '3', '4');
    await screen.waitForText(`pid ${second.pid}`);
    await second.stop();
    await screen.waitForText('has stopped; waiting for the next one');
    const third = await ui.stage.run(config());
    await screen.waitForText(`attached to process ${third.pid}`);
    await screen.press('1', 'P');
    await screen.waitForText('PAUSED');
    await leave(screen);
  });

  test('of another version of the link is not shown: the screen says so, and waits for another one', async () => {
    const first = await ui.stage.run(config());
    const screen = await ui.attach();
    await first.stop();
    await screen.waitForText('has stopped; waiting for the next one');
    const second = await ui.stage.run(config(), { program: formerLink });
    await screen.waitForText("the next one can't be shown: the runner is resque-runner");
    await second.stop();
    const third = await ui.stage.run(config());
    await screen.waitForText(`attached to process ${third.pid}`);
    await leave(screen);
  });
});
