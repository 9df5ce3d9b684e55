/**
 * How many milliseconds it takes at best. Compare it only with another one from the same test: what the machine does
 * besides makes single runs longer, but hardly ever all of them.
 */
export function quickestMs(run: () => void, runs = 20): number {
  let quickest = Number.POSITIVE_INFINITY;
  for (let left = runs; left > 0; left -= 1) {
    const start = performance.now();
    run();
    quickest = Math.min(quickest, performance.now() - start);
  }
  return quickest;
}
