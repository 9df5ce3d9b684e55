/** Where the values of a config come from. */
import type { PartTree } from './include.ts';
import type { Path } from './variables.ts';

export type Origin =
  | {
      readonly kind: 'file';
      /** Absolute. */
      readonly file: string;
      readonly line: number;
      readonly column: number;
      /** Names of the environment variables in it. */
      readonly variables: readonly string[];
    }
  | { readonly kind: 'default' }
  /** `--redis` on the command line, `REDIS_URL` in the environment. */
  | { readonly kind: 'flag' | 'environment'; readonly name: string };

export type Origins = (path: readonly string[]) => Origin;

type Part = Pick<PartTree, 'file' | 'value' | 'document' | 'uses' | 'includes'>;

/** A file, and those around it that have values for its entries: the nearest first. */
type Around = readonly [Part, ...Part[]];

/** Second names of fields of `redis`. */
const aliases: Readonly<Record<string, string>> = { host: 'server', db: 'database' };

/**
 * @param redisFrom what replaces `redis` of the file; `null` if nothing does
 * @returns a function for paths of effective fields
 */
export function originsOf(main: Part, redisFrom: Origin | null): Origins {
  const owners = new Map<string, Around>();
  note(owners, [main]);
  const variables = new Map<Part, Map<string, string[]>>();
  const at = (part: Part, path: Path): Origin | null => {
    const place = part.document.placeAt(path);
    if (place === null) return null;
    const names = variables.get(part) ?? variablesIn(part);
    variables.set(part, names);
    return {
      ...{ kind: 'file' as const, file: part.file.path, ...place },
      variables: names.get(JSON.stringify(path)) ?? [],
    };
  };
  const first = (places: readonly (readonly [Part, Path])[]): Origin => {
    for (const [part, path] of places) {
      const origin = at(part, path);
      if (origin !== null) return origin;
    }
    return { kind: 'default' };
  };
  return (path) => {
    const [top = '', name = '', ...rest] = path;
    if (top === 'redis') {
      if (redisFrom !== null) return redisFrom;
      return first(redisPaths(main, name).map((each) => [main, each]));
    }
    const around = owners.get(JSON.stringify([top, name]));
    if (around === undefined) return first([[main, path]]);
    const [own] = around;
    // A number is short for an entry that has only slots.
    const isShort = rest[0] === 'concurrency' && typeof valueAt(own, top, name) !== 'object';
    return first([
      [own, path],
      ...(isShort ? [[own, [top, name]] as const] : []),
      ...(rest.length === 0 ? [] : around.map((part) => [part, rest] as const)),
    ]);
  };
}

function note(owners: Map<string, Around>, around: Around): void {
  const [part] = around;
  for (const top of ['runners', 'schedules']) {
    for (const name of part.document.keysAt([top])) owners.set(JSON.stringify([top, name]), around);
  }
  for (const inner of part.includes) note(owners, [inner, ...around]);
}

/** Where a field of Redis can be: itself, under its other name, or in a URL. */
function redisPaths({ value }: Part, name: string): Path[] {
  if (typeof value.redis === 'string') return [['redis']];
  const alias = aliases[name];
  return [['redis', name], ...(alias === undefined ? [] : [['redis', alias]]), ['redis', 'url']];
}

function valueAt({ value }: Part, top: string, name: string): unknown {
  const members = value[top];
  return typeof members === 'object' && members !== null ? Reflect.get(members, name) : undefined;
}

/** The variables in each value, also in those inside of it. */
function variablesIn({ uses }: Part): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { path, names } of uses) {
    for (let length = path.length; length > 0; length -= 1) {
      const key = JSON.stringify(path.slice(0, length));
      found.set(key, [...new Set([...(found.get(key) ?? []), ...names])]);
    }
  }
  return found;
}
