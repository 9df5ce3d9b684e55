/**
 * What the peak of a child's memory says.
 *
 * A child shares our memory until it has become its program, and Linux counts that: `/bin/true`, started by a process whose
 * own peak is 200 MB, reports 200 MB. So only a peak above our own is the child's.
 */

/** The kernel counts pages for each CPU, and adds them up late: both peaks may be wrong by some megabytes. */
const slackKilobytes = 8 * 1_024;

export class PeakMemory {
  /** As of the last look; it only grows. */
  #ownKilobytes = 0;

  /** @returns bytes; `null` if the peak may be ours */
  ofChild(kilobytes: number): number | null {
    if (!this.#isAboveOwn(kilobytes)) return null;
    // We may have grown since then. For most children, no look is needed.
    this.#ownKilobytes = process.resourceUsage().maxRSS;
    return this.#isAboveOwn(kilobytes) ? kilobytes * 1_024 : null;
  }

  #isAboveOwn(kilobytes: number): boolean {
    return kilobytes > this.#ownKilobytes + slackKilobytes;
  }
}
