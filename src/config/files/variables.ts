/**
 * Environment variables in the strings of a config:
 *
 *     ${NAME}             its value; a problem if it isn't set
 *     ${NAME:-default}    the default if it isn't set or is empty, as in a shell
 *     $${                 a literal "${"
 *
 * They are replaced in the values, after JSON has been read, so a value can contain any character. Keys stay as they are, and
 * so do command lines and the arguments of scheduled jobs, because a shell or a job may expect variables of its own there.
 */
import { problems } from '../problems.ts';
import { isObject } from '../shapes.ts';

export type Environment = Readonly<Record<string, string | undefined>>;
export type Path = readonly (string | number)[];

export interface Substitution {
  readonly value: unknown;
  readonly faults: readonly { readonly path: Path; readonly message: string }[];
  /** The strings with variables. */
  readonly uses: readonly VariableUse[];
}

export interface VariableUse {
  readonly path: Path;
  readonly names: readonly string[];
  /** Whether the string is one variable and nothing else. */
  readonly isWhole: boolean;
}

const variable = /\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})?/g;
const literalFields: readonly unknown[] = ['script', 'args', 'onFailure'];
const dictionaries: readonly unknown[] = ['runners', 'schedules'];

const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;

/** @param isTyped whether a string at a path becomes a number, true or false, if it spells one */
export function substitute(
  value: unknown,
  env: Environment,
  isTyped: (path: Path) => boolean = () => false,
): Substitution {
  const faults: { path: Path; message: string }[] = [];
  const uses: VariableUse[] = [];
  const inText = (text: string, path: Path): string => {
    const names: string[] = [];
    const replaced = text.replace(variable, (found, name?: string, otherwise?: string) => {
      if (found === '$${') return '${';
      if (name === undefined) {
        faults.push({ path, message: problems.variableForm() });
        return found;
      }
      names.push(name);
      const given = Object.hasOwn(env, name) ? env[name] : undefined;
      if (otherwise !== undefined) return given === undefined || given === '' ? otherwise : given;
      if (given === undefined) faults.push({ path, message: problems.variableUnset(name) });
      return given ?? found;
    });
    if (names.length > 0) uses.push({ path, names, isWhole: /^\$\{[^}]*\}$/.test(text) });
    return replaced;
  };
  const within = (part: unknown, path: Path): unknown => {
    if (isLiteral(path)) return part;
    if (typeof part === 'string') {
      const text = inText(part, path);
      return isTyped(path) ? typed(text) : text;
    }
    if (Array.isArray(part)) return part.map((item, at) => within(item, [...path, at]));
    if (!isObject(part)) return part;
    // Unlike an assignment, this keeps a key "__proto__".
    return Object.fromEntries(Object.entries(part).map(([key, own]) => [key, within(own, [...path, key])]));
  };
  return { value: within(value, []), faults, uses };
}

function typed(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  return number.test(text) ? Number(text) : text;
}

/** The value as a config must spell it to mean exactly this. */
export function spelledOut(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('${', '$$${');
  if (Array.isArray(value)) return value.map(spelledOut);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, own]) => [key, spelledOut(own)]));
}

/** By position, not by name: a queue or a variable can be called "script". */
function isLiteral(path: Path): boolean {
  if (path.length === 1) return literalFields.includes(path[0]);
  return path.length === 3 && dictionaries.includes(path[0]) && literalFields.includes(path[2]);
}
