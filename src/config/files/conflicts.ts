/** What is wrong between the files of a config, each of which may be valid by itself. */
import { problems } from '../problems.ts';
import type { PartTree } from './include.ts';
import { problemAt } from './read-part.ts';
import type { Path } from './variables.ts';

type Part = Pick<PartTree, 'file' | 'value' | 'document' | 'includes'>;

export function conflictsIn(main: Part): string[] {
  const all = withIncluded(main);
  return [...noQueue(main, all), ...schedulesWithoutScheduler(main, all), ...inTwoFiles(all)];
}

/** A file and all that it includes, in their order. */
export function withIncluded<T extends Part>(part: T): (T | PartTree)[] {
  return [part, ...part.includes.flatMap((each) => withIncluded<PartTree>(each))];
}

function noQueue(main: Part, all: readonly Part[]): string[] {
  if (all.some(({ document }) => document.keysAt(['runners']).length > 0)) return [];
  const { runners, include } = main.value;
  if (include !== undefined) {
    const problem = all.length === 1 ? problems.noIncludedFile() : problems.noRunnersAnywhere();
    return [problems.at(['runners'], problem)];
  }
  // Anything else than an object is a problem of its own.
  if (runners === undefined) return [problems.at(['runners'], problems.missing())];
  return isEmpty(runners) ? [problems.at(['runners'], problems.noRunners())] : [];
}

function isEmpty(value: unknown): boolean {
  return JSON.stringify(value) === '{}';
}

/** For the config itself, the definitions have this rule. */
function schedulesWithoutScheduler({ value }: Part, [, ...included]: readonly Part[]): string[] {
  if (value.scheduler !== 'off') return [];
  return included
    .filter(({ document }) => document.keysAt(['schedules']).length > 0)
    .map(({ file, document }) => problemAt(file, document, ['schedules'], problems.schedulerOff()));
}

/** Two teams must not share a queue by accident: the second entry would get none of its jobs. */
function inTwoFiles(all: readonly Part[]): string[] {
  const found: string[] = [];
  const firsts = new Map<string, { readonly part: Part; readonly path: Path }>();
  const note = (part: Part, path: Path, kind: 'queue' | 'schedule', name: string) => {
    const first = firsts.get(`${kind}:${name}`);
    if (first === undefined) firsts.set(`${kind}:${name}`, { part, path });
    else if (first.part !== part) {
      const where = placed(first.part, first.path);
      found.push(problemAt(part.file, part.document, path, problems.inTwoFiles(kind, name, where)));
    }
  };
  for (const part of all) {
    for (const key of part.document.keysAt(['runners'])) {
      for (const name of namesIn(key)) note(part, ['runners', key], 'queue', name);
    }
    for (const name of part.document.keysAt(['schedules'])) {
      note(part, ['schedules', name], 'schedule', name);
    }
  }
  return found;
}

/** The queues and patterns that an entry takes jobs from. */
function namesIn(key: string): string[] {
  const names = key.includes(',') ? key.split(',').map((name) => name.trim()) : [key];
  return names.filter((name) => !name.startsWith('!'));
}

function placed({ file, document }: Part, path: Path): string {
  const place = document.placeAt(path);
  return place === null ? file.name : `${file.name}:${place.line}:${place.column}`;
}
