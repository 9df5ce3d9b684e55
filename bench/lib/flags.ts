/**
 * The flags of all benches. `npm run bench -- --rounds=2` passes its flags to every bench, so each bench accepts the flags
 * of the others and rejects only unknown ones.
 */
const known = [
  'jobs',
  'rounds',
  'seconds',
  'slots',
  'lines',
  'only',
  'runner',
  'runners',
  'against',
] as const;

type FlagName = (typeof known)[number];

/** The value of `--name=value` as a whole number, at least 1. */
export function numberFlag(name: FlagName, otherwise: number): number {
  const text = textFlag(name);
  if (text === null) return otherwise;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${name} must be a whole number, 1 or more, got "${text}"`);
  return value;
}

export function textFlag(name: FlagName): string | null {
  let found: string | null = null;
  for (const argument of process.argv.slice(2)) {
    const [, key, value] = /^--([^=]+)=(.+)$/.exec(argument) ?? [];
    if (value === undefined || !known.some((flag) => flag === key)) {
      throw new Error(`unknown flag ${argument}; flags are ${known.map((flag) => `--${flag}=…`).join(', ')}`);
    }
    if (key === name) found = value;
  }
  return found;
}
