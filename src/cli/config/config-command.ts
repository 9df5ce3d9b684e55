/** `resque-runner config [CONFIG]`: the effective config, and where each value comes from. Needs no Redis. */
import { dirname, relative } from 'node:path';
import { type EffectiveField, effectiveFields, maskedValue } from '../../config/effective.ts';
import type { Origin } from '../../config/files/origins.ts';
import { pathText } from '../../config/value-text.ts';
import { visible } from '../../messages/visible.ts';
import type { CommandContext } from '../command-line/command-spec.ts';
import { exitCodes } from '../command-line/exit-codes.ts';
import { loadConfig, shortPath } from '../files/load-config.ts';
import { print, printJson } from '../terminal/output.ts';

interface TracedField {
  readonly path: readonly string[];
  /** Without secrets. */
  readonly value: unknown;
  readonly origin: Origin;
}

export async function run({ invocation: { input, flags }, io }: CommandContext): Promise<number> {
  const { config, file, files, originOf } = loadConfig(io, input[0] ?? null, flags.redis);
  const fields = effectiveFields(config).map((field) => traced(field, originOf(field.path)));
  if (flags.json) {
    await printJson(io, { file, included: files.slice(1), fields });
    return exitCodes.clean;
  }
  const name = (path: string) => (path === file ? shortPath(io, file) : relative(dirname(file), path));
  const rows = fields.map(({ path, value, origin }) => [
    visible(pathText(path)),
    visible(originText(origin, name)),
    visible(JSON.stringify(value)),
  ]);
  await print(io, aligned(rows));
  return exitCodes.clean;
}

function traced(field: EffectiveField, origin: Origin): TracedField {
  const hasVariables = origin.kind === 'file' && origin.variables.length > 0;
  return { path: field.path, value: maskedValue(field, hasVariables), origin };
}

function originText(origin: Origin, nameOf: (path: string) => string): string {
  switch (origin.kind) {
    case 'default':
      return 'default';
    case 'flag':
      return origin.name;
    case 'environment':
      return `$${origin.name}`;
    case 'file': {
      const place = `${nameOf(origin.file)}:${origin.line}`;
      return [place, ...origin.variables.map((name) => `$${name}`)].join(', ');
    }
  }
}

/** Columns as wide as their widest cell, except for the last one, which may be long. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = [0, 1].map((at) => rows.reduce((most, row) => Math.max(most, row[at]?.length ?? 0), 0));
  const lines = rows.map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  '));
  return lines.map((line) => `${line}\n`).join('');
}
