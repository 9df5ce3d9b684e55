/** What the commands `npm run chaos` and `npm run simulate` have in common. */
import { rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';

/** @throws unless it is a whole number, 0 or more */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new Error(`${text} is not a whole number`);
  return value;
}

/**
 * Ctrl-C also ends the script that started this process, which would have removed the bundle that it runs from.
 *
 * @param bundlePrefix with which the name of the bundle's directory begins
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
