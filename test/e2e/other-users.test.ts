/** Runners of several users on one machine, who can neither look into each other's programs nor end them. */
import { chmodSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { canBecomeOthers } from '../helpers/other-user.ts';
import { isAlive } from '../helpers/processes.ts';
import { waitFor } from '../helpers/wait-for.ts';

const stage = useEndToEnd();
const ann = { uid: 65_534 };
const ben = { uid: 65_533 };
/** Works until it is told to end, each start in a file of its user. */
const body = 'echo $$ >> "$D/pids-$(id -u)"; while [ ! -e "$D/end" ]; do sleep 0.1; done';

function env({ uid }: { readonly uid: number }) {
  return { XDG_STATE_HOME: stage.path(`state-${uid}`) };
}

async function pidOf({ uid }: { readonly uid: number }): Promise<number> {
  return Number((await stage.waitForFileLines(`pids-${uid}`))[0]);
}

describe.runIf(canBecomeOthers())('with runners of two users', () => {
  beforeEach(() => {
    chmodSync(stage.directory, 0o777);
    chmodSync(stage.path('tmp'), 0o777);
  });

  test('one that lives is left alone by one that can’t see it', async () => {
    const config = { script: stage.script(body), runners: { mail: 1 }, delivery: 'at-least-once' };
    const first = await stage.run(config, { user: ann, env: env(ann) });
    await stage.enqueue('mail', { class: 'A', args: [] });
    const pid = await pidOf(ann);
    const second = await stage.run(config, { user: { ...ben, isBlind: true }, env: env(ben) });
    await waitFor(async () => (await stage.client.hlen(stage.key('runners'))) === 2, {
      message: 'both have entered themselves',
    });
    expect(second.all('peer.recovered')).toEqual([]);
    expect(isAlive(pid)).toBe(true);
    stage.write('end');
    await first.waitForFinished(1);
    await stage.waitForStat('processed', 1);
    expect(stage.fileLines(`pids-${ben.uid}`)).toEqual([]);
  });
});
