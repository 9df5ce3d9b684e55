import { existsSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageFile } from '../files/package-files.ts';

const schemaName = 'cfg.schema.json';

/**
 * Where editors find the description of a config file: relative to it where the package is part of the same project,
 * so that it holds for everybody who has the project; else a URL, since editors take no absolute path.
 *
 * @param directory absolute, of the config file
 */
export function schemaReference(directory: string, schema = packageFile(schemaName)): string {
  // As Node looks for it, which finds the place that stays the same: not the store of pnpm, not a linked checkout.
  for (let at = directory; ; at = dirname(at)) {
    const installed = join(at, 'node_modules', 'resque-runner', schemaName);
    if (existsSync(installed)) return relativeTo(directory, installed);
    if (at === dirname(at)) break;
  }
  const isInPackage = `${directory}${sep}`.startsWith(`${dirname(schema)}${sep}`);
  return isInPackage ? relativeTo(directory, schema) : pathToFileURL(schema).href;
}

/** With a dot in front, without which editors take it for something else. */
function relativeTo(directory: string, file: string): string {
  const path = relative(directory, file);
  return path.startsWith('..') ? path : `./${path}`;
}
