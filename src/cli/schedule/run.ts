/** `resque-runner schedule run NAME`: puts the job of a schedule on its queue now. Its times don't change. */
import { knownSchedules } from '../../engine/scheduling/known-schedules.ts';
import { visible, visibleWithin } from '../../messages/visible.ts';
import { environmentOf } from '../../resque/delayed/persistent-schedule.ts';
import { RecurringJobs } from '../../resque/delayed/recurring-jobs.ts';
import type { CommandContext } from '../command-line/command-spec.ts';
import { exitCodes, OperatingError, UsageError } from '../command-line/exit-codes.ts';
import { unservedText } from '../enqueue/unserved.ts';
import { withTarget } from '../redis/target.ts';
import { print, printJson } from '../terminal/output.ts';

export async function run({ invocation: { input, flags }, io }: CommandContext): Promise<number> {
  const [name = ''] = input;
  await withTarget(io, flags, async (sender, { keys, lockPrefix, schedules: own }) => {
    const jobs = new RecurringJobs(sender, keys, lockPrefix);
    const known = (await knownSchedules(jobs, own, environmentOf(io.env))).find((each) => each.name === name);
    const shown = visibleWithin(name, 60);
    if (known === undefined) {
      throw new UsageError(`no schedule is named "${shown}"; list them with: resque-runner schedule list`);
    }
    const { schedule, problem } = known;
    if (schedule === null) throw new OperatingError(`schedule ${shown} can't be enqueued: ${problem}`);
    const { queue, jobClass } = schedule;
    const isEnqueued = (await jobs.enqueueNow(schedule)) === 'enqueued';
    const message = isEnqueued
      ? `enqueued ${jobClass} on ${queue}`
      : `enqueued nothing: the same job is still waiting on ${queue}`;
    if (flags.json) await printJson(io, { schedule: name, queue, class: jobClass, isEnqueued, message });
    else await print(io, `${visible(message)}\n`);
    const unserved = await unservedText(io, queue, flags, sender, keys);
    if (unserved !== null) io.stderr.write(`resque-runner: ${visible(unserved)}\n`);
  });
  return exitCodes.clean;
}
