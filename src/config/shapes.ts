/**
 * The three compound schemas of the config, where valibot's own don't say enough:
 *
 * - `fields`: an object with fixed keys. Tells about every unknown key, and about keys that exclude each other,
 *   together with what is wrong inside the fields.
 * - `choice`: one of several forms. The form is chosen first, so that messages are about the one that was meant
 *   and not about "a union".
 * - `dictionary`: an object with keys of the user's choice. It becomes a `Map`, since as keys of an object
 *   "constructor" and "__proto__" would be dropped by valibot.
 *
 * Each carries `documented`, the same as a plain valibot schema, for the generation of the JSON Schema.
 */
import { distance } from 'fastest-levenshtein';
import * as v from 'valibot';
import { problems } from './problems.ts';

/** Up to this many slips, a key counts as misspelled; "prot" is 2 from "port". Long keys may have more. */
const SLIPS = 2;

/** A schema that takes any value and gives a `T`. */
export type Reads<T> = v.GenericSchema<unknown, T>;

/** A problem found by a rule. The path begins at the object that the rule belongs to. */
export interface Fault {
  readonly path: readonly string[];
  readonly message: string;
}

/** Looks at an object as it stands in the file, whether or not its fields are valid. */
export type Rule = (input: Readonly<Record<string, unknown>>) => Iterable<Fault>;

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object with the given keys and no others. `what` names it in messages and `description` in editors. */
export function fields<TEntries extends v.ObjectEntries>(
  description: string,
  what: string,
  entries: TEntries,
  rule: Rule = () => [],
) {
  const object = v.object(entries, problems.missing);
  const known = Object.keys(entries);
  return compound(v.strictObject(entries), description, (input, fault) => {
    if (!isObject(input)) {
      fault([], problems.notA(input, what));
      return undefined;
    }
    for (const key of Object.keys(input)) {
      if (!Object.hasOwn(entries, key)) fault([key], unknownKey(key, known));
    }
    for (const { path, message } of rule(input)) fault(path, message);
    return delegate(object, input, fault);
  });
}

/** One of `options`, of which `choose` picks by the value's form. What it picks may also read more than one form. */
export function choice<TOutput>(
  description: string,
  options: readonly v.GenericSchema[],
  choose: (input: unknown) => Reads<TOutput>,
) {
  return compound(v.union([...options]), description, (input, fault) =>
    delegate(choose(input), input, fault),
  );
}

/** An object whose keys name things. `checkKey` gives what is wrong with a key, or `null`. */
export function dictionary<TOutput>(
  description: string,
  what: string,
  value: Reads<TOutput>,
  options: { readonly checkKey: (key: string) => string | null; readonly emptyMessage?: string },
) {
  const { checkKey, emptyMessage } = options;
  const record = v.record(v.string(), value);
  const documented = emptyMessage === undefined ? record : v.pipe(record, v.minEntries(1));
  return compound(documented, description, (input, fault) => {
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
    if (emptyMessage !== undefined && Object.keys(input).length === 0) fault([], emptyMessage);
    return read;
  });
}

type FaultSink = (path: readonly unknown[], message: string) => void;

/** A schema made of a function that gives the output and tells about faults; with any fault, the output is void. */
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

/** Runs a schema on a part, and passes on its issues. `undefined` where it has any. */
function delegate<TOutput>(schema: Reads<TOutput>, input: unknown, fault: FaultSink): TOutput | undefined {
  // The first thing that is wrong with a value is enough: 0.5 needn't be called both fractional and below 1.
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

/** What to say about a key that nothing reads: the probable key, or all known ones. */
function unknownKey(key: string, known: readonly string[]): string {
  // `$schema` doesn't help a user who looks for a setting.
  const settings = known.filter((name) => !name.startsWith('$'));
  return problems.unknownKey(nearest(key, settings), settings);
}

function nearest(key: string, known: readonly string[]): string | null {
  const lower = key.toLowerCase();
  // "pass" is nearer to "path" than to "password", but it's an abbreviation, not a slip.
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
