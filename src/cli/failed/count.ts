import { countFailures, type FailureCount } from '../../failures/search.ts';
import type { FailureFilter } from '../../protocol/commands.ts';
import type { FailedList } from '../../resque/failed/failed-list.ts';
import { Progress, type ProgressIo } from '../terminal/progress.ts';

/** How many failures match, with a bar where they are so many that it takes a while. */
export async function countWithBar(
  io: ProgressIo,
  list: FailedList,
  filter: FailureFilter,
): Promise<FailureCount> {
  const progress = new Progress(io, 'counting', null);
  try {
    return await countFailures(list, filter, (looked, all) => progress.update(looked, all));
  } finally {
    progress.end();
  }
}
