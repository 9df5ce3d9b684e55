/** Reads one file of a config: JSON, then variables, then the definitions. */
import * as v from 'valibot';
import { problems } from '../problems.ts';
import { isObject } from '../shapes.ts';
import { type JsonDocument, readJson } from './json-syntax.ts';
import { type Environment, type Path, substitute, type VariableUse } from './variables.ts';

export interface PartFile {
  /** Absolute. */
  readonly path: string;
  /** For messages. */
  readonly name: string;
  /** `null`: it is the config itself. Otherwise the name of the file that includes it. */
  readonly includedBy: string | null;
}

export interface ReadPart<TSettings> {
  readonly file: PartFile;
  /** After the variables. */
  readonly value: Readonly<Record<string, unknown>>;
  /** `null` with any problem. */
  readonly settings: TSettings | null;
  readonly document: JsonDocument;
  readonly uses: readonly VariableUse[];
}

/**
 * @param schemaFor the schema, which may depend on the value
 * @param tell is called with each problem
 * @returns `null` if the text isn't an object
 */
export function readPart<TSettings>(
  text: string,
  file: PartFile,
  env: Environment,
  schema: v.GenericSchema<unknown, TSettings>,
  tell: (problem: string) => void,
): ReadPart<TSettings> | null {
  const json = readJson(text, file.name);
  if (!json.ok) {
    tell(json.isEmpty && file.includedBy !== null ? problems.emptyIncluded(file.name) : json.problem);
    return null;
  }
  const { document } = json;
  if (!isObject(document.value)) {
    tell(problems.notAnObjectFile(file.name, document.value));
    return null;
  }
  let problemCount = 0;
  // Problems of the config itself need no name: the program adds it once, above all of them.
  const report = (problem: string) => {
    problemCount += 1;
    tell(file.includedBy === null ? problem : problems.option(file.name, problem));
  };
  for (const duplicate of document.duplicates) report(duplicate);
  const { value, faults, uses, result } = validated(document.value, env, schema);
  for (const { path, message } of faults) {
    problemCount += 1;
    tell(problemAt(file, document, path, message));
  }
  for (const issue of result.issues ?? []) {
    const path = pathOf(issue);
    // The text of an unset variable would be a second problem of the same value.
    if (!faults.some((fault) => isWithin(fault.path, path))) report(problems.at(path, issue.message));
  }
  const settings = result.success && problemCount === 0 ? result.output : null;
  return { file, value: isObject(value) ? value : {}, settings, document, uses };
}

/** A problem with line and column. */
export function problemAt(file: PartFile, document: JsonDocument, path: Path, message: string): string {
  const place = document.placeAt(path) ?? { line: 1, column: 1 };
  return problems.syntax(file.name, place, problems.at(path, message));
}

/** A variable is text. If its field refuses that, it may be a number, true or false. */
function validated<TSettings>(
  written: unknown,
  env: Environment,
  schema: v.GenericSchema<unknown, TSettings>,
) {
  const asText = substitute(written, env);
  const result = v.safeParse(schema, asText.value);
  const refused = new Set((result.issues ?? []).map((issue) => JSON.stringify(pathOf(issue))));
  const typed = asText.uses.filter(({ path, isWhole }) => isWhole && refused.has(JSON.stringify(path)));
  if (typed.length === 0) return { ...asText, result };
  const paths = new Set(typed.map(({ path }) => JSON.stringify(path)));
  const asValues = substitute(written, env, (path) => paths.has(JSON.stringify(path)));
  return { ...asValues, result: v.safeParse(schema, asValues.value) };
}

function pathOf(issue: v.BaseIssue<unknown>): (string | number)[] {
  return (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? key : String(key)));
}

function isWithin(path: Path, outer: Path): boolean {
  return outer.length >= path.length && path.every((key, at) => key === outer[at]);
}
