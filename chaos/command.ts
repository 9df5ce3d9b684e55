/** The common part of `npm run chaos` and `npm run simulate`. */
import { rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';

/** @throws unless it is a whole number, 0 or more */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0)
    throw new Error(`expected a whole number, 0 or more, got "${text}"`);
  return value;
}

/**
 * Removes the bundle that this process runs from. Ctrl-C also ends the script that would have done so.
 *
 * @param bundlePrefix the beginning of the bundle directory's name
 */
export function removeBundleOnSignals(bundlePrefix: string): void {
  for (const [signal, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.on(signal, () => {
      const bundle = dirname(process.argv[1] ?? '');
      if (basename(bundle).startsWith(bundlePrefix)) rmSync(bundle, { recursive: true, force: true });
      process.exit(exitCode);
    });
  }
}
