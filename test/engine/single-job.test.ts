import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config/files/parse-config.ts';
import { libc } from '../../src/engine/launch/libc.ts';
import { SingleJob, type SingleJobEnd } from '../../src/engine/single-job.ts';
import { readPayload } from '../../src/resque/format/payload.ts';
import { withFreeDescriptors } from './launch/launchers.ts';

test.skipIf(libc() === null)('a job that no descriptor is left for does not run, and says why', async () => {
  const read = parseConfig('{ "runners": { "mail": 1 }, "script": "/bin/true" }', { file: '/cfg.json' });
  if (!read.ok) throw new Error(read.problems.join());
  const job = new SingleJob({
    config: read.config,
    queue: 'mail',
    payload: readPayload(Buffer.from('{"class":"Job","args":[]}')),
    onOutput: () => null,
  });
  const runs: Promise<SingleJobEnd>[] = [];
  withFreeDescriptors(1, () => runs.push(job.run()));
  expect(await Promise.all(runs)).toMatchObject([
    { outcome: 'unstartable', record: null, whyUnstartable: expect.stringContaining('(EMFILE)') },
  ]);
});
