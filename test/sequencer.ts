/**
 * The order of the test files. Without the times of an earlier run, Vitest starts the largest files first. Some small files
 * take long, because they run whole tools of this checkout. At the end, nothing would be left to run beside them. All at once,
 * they would slow each other down.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const runsTools = /\/test\/(scripts|chaos|simulate|examples)\//;
/** One of them after this many other files. */
const distance = 5;

export class Sequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const slow = sorted.filter(({ moduleId }) => runsTools.test(moduleId));
    const others = sorted.filter((file) => !slow.includes(file));
    const order = others.flatMap((file, index) =>
      index % distance === 0 ? [...slow.splice(0, 1), file] : [file],
    );
    return [...order, ...slow];
  }
}
