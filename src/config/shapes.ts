/**
 * The three compound schemas of the config, because valibot's messages don't say enough:
 *
 * - `fields`: an object with fixed keys. Reports every unknown key and conflicting keys together with the problems inside
 *   the fields.
 * - `choice`: one of several forms. The form is chosen first, so messages are about the form that the user meant and not
 *   about "a union".
 * - `dictionary`: an object with arbitrary keys. It becomes a `Map`, because in an object valibot would drop the keys
 *   "constructor" and "__proto__".
 *
 * Each has `documented`, an equivalent plain valibot schema, to generate the JSON Schema.
 */
import { distance } from 'fastest-levenshtein';
import * as v from 'valibot';
import { problems } from './problems.ts';

/** A key with up to this many slips counts as misspelled; "prot" has 2 from "port". Long keys may have more. */
const SLIPS = 2;

/** A schema that accepts any value and outputs a `T`. */
export type Reads<T> = v.GenericSchema<unknown, T>;

/** A problem found by a rule. The path is relative to the object that the rule checks. */
export interface Fault {
  readonly path: readonly string[];
  readonly message: string;
}

/** Checks an object as it is in the file, whether or not its fields are valid. */
export type Rule = (input: Readonly<Record<string, unknown>>) => Iterable<Fault>;

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * An object with these keys and no others. `what` describes it in messages and `description` in editors. `unknown` has the
 * message for any other key.
 */
export function fields<TEntries extends v.ObjectEntries>(
  description: string,
  what: string,
  entries: TEntries,
  rule: Rule = () => [],
  unknown: (key: string, known: readonly string[]) => string = unknownKey,
) {
  const object = v.object(entries, problems.missing);
  const known = Object.keys(entries);
  return compound(v.strictObject(entries), description, (input, fault) => {
    if (!isObject(input)) {
      fault([], problems.notA(input, what));
      return undefined;
    }
    for (const key of Object.keys(input)) {
      if (!Object.hasOwn(entries, key)) fault([key], unknown(key, known));
    }
    for (const { path, message } of rule(input)) fault(path, message);
    return delegate(object, input, fault);
  });
}

/** One of `options`. `choose` selects it by the form of the value, and may return a schema that reads several forms. */
export function choice<TOutput>(
  description: string,
  options: readonly v.GenericSchema[],
  choose: (input: unknown) => Reads<TOutput>,
) {
  return compound(v.union([...options]), description, (input, fault) =>
    delegate(choose(input), input, fault),
  );
}

/** An object with arbitrary keys. `checkKey` returns the problem with a key, or `null`. */
export function dictionary<TOutput>(
  description: string,
  what: string,
  value: Reads<TOutput>,
  { checkKey }: { readonly checkKey: (key: string) => string | null },
) {
  return compound(v.record(v.string(), value), description, (input, fault) => {
    if (!isObject(input)) {
      fault([], problems.notA(input, what));
      return undefined;
    }
    const read = new Map<string, TOutput>();
    for (const [key, item] of Object.entries(input)) {
      const keyProblem = checkKey(key);
      if (keyProblem !== null) fault([key], keyProblem);
      const result = delegate(value, item, (path, message) => fault([key, ...path], message));
      if (result !== undefined) read.set(key, result);
    }
    return read;
  });
}

type FaultSink = (path: readonly unknown[], message: string) => void;

/** Makes a schema from a function that returns the output and reports faults. With any fault, the output is invalid. */
function compound<TOutput>(
  documented: v.GenericSchema,
  description: string,
  read: (input: unknown, fault: FaultSink) => TOutput | undefined,
) {
  return v.pipe(
    Object.assign(v.unknown(), { documented }),
    v.description(description),
    v.rawTransform<unknown, TOutput>(({ dataset, addIssue, NEVER }) => {
      const output = read(dataset.value, (path, message) => addIssue({ message, ...issuePath(path) }));
      return output === undefined ? NEVER : output;
    }),
  );
}

/** Runs a schema on a part of the value and passes on its issues. Returns `undefined` if there are any. */
function delegate<TOutput>(schema: Reads<TOutput>, input: unknown, fault: FaultSink): TOutput | undefined {
  // Only the first problem of a value: 0.5 needn't be called both fractional and too small.
  const result = v.safeParse(schema, input, { abortPipeEarly: true });
  if (result.success) return result.output;
  for (const issue of result.issues)
    fault(
      (issue.path ?? []).map(({ key }) => key),
      issue.message,
    );
  return undefined;
}

function issuePath(path: readonly unknown[]): { path?: [v.IssuePathItem, ...v.IssuePathItem[]] } {
  const [first, ...rest] = path.map(
    (key): v.IssuePathItem => ({ type: 'unknown', origin: 'value', input: undefined, key, value: undefined }),
  );
  return first === undefined ? {} : { path: [first, ...rest] };
}

/** The message for an unknown key: the probable key, or all valid ones. */
export function unknownKey(key: string, known: readonly string[]): string {
  // A user who looks for a setting doesn't need `$schema`.
  const settings = known.filter((name) => !name.startsWith('$'));
  return problems.unknownKey(nearest(key, settings), settings);
}

function nearest(key: string, known: readonly string[]): string | null {
  const lower = key.toLowerCase();
  // "pass" is closer to "path" than to "password", but it's an abbreviation, not a slip.
  const abbreviated = known.find((name) => lower.length >= 3 && name.toLowerCase().startsWith(lower));
  if (abbreviated !== undefined) return abbreviated;
  let best: string | null = null;
  let fewest = Number.POSITIVE_INFINITY;
  for (const name of known) {
    const slips = distance(lower, name.toLowerCase());
    const shorter = Math.min(key.length, name.length);
    // With as many slips as letters the two have nothing in common.
    const allowed = Math.min(Math.max(SLIPS, Math.floor(shorter / 3)), shorter - 1);
    if (slips <= allowed && slips < fewest) {
      best = name;
      fewest = slips;
    }
  }
  return best;
}
