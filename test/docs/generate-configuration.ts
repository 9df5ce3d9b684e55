/**
 * Makes the tables of docs/configuration.md from the definitions that validate, by way of the JSON Schema that they
 * give. Each stands between markers that name its fields; all around them is prose.
 *
 *     <!-- fields: timeout killAfter -->
 *     | field | …
 *     <!-- /fields -->
 */
import { generateJsonSchema } from '../config/generate-json-schema.ts';

interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: unknown;
  readonly description?: string;
}

interface Field {
  readonly schema: Schema;
  readonly isRequired: boolean;
}

/** The longest time that the config takes; only fields in seconds have it as their limit. */
const mostSeconds = 2_147_483;
const marker = /<!-- fields: ([^>]*?) -->\n[\s\S]*?<!-- \/fields -->/g;

/** All fields by their paths, as `redis.tls.ca` and `runners.concurrency`. */
export const fields: ReadonlyMap<string, Field> = new Map(
  fieldsOf(JSON.parse(generateJsonSchema()) as Schema, ''),
);

function* fieldsOf(schema: Schema, prefix: string): Iterable<[string, Field]> {
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const path = `${prefix}${name}`;
    yield [path, { schema: field, isRequired: schema.required?.includes(name) ?? false }];
    for (const inner of objectsIn(field)) yield* fieldsOf(inner, `${path}.`);
  }
}

/** The objects with fields of their own that a field may be, or may be made of. */
function objectsIn(schema: Schema): Schema[] {
  const { anyOf = [], items, additionalProperties: values } = schema;
  const inner = [
    ...anyOf,
    ...(items === undefined ? [] : [items]),
    ...(typeof values === 'object' ? [values] : []),
  ];
  return schema.properties === undefined ? inner.flatMap(objectsIn) : [schema];
}

/** Fields that an entry of `runners` may have as well as the file as a whole. */
export function isSharedWithEntries(path: string): boolean {
  return fields.has(path) && fields.has(`runners.${path}`);
}

/** The paths that a document has tables for, in its order. */
export function documentedFields(text: string): string[] {
  return [...text.matchAll(marker)].flatMap(([, names = '']) => names.split(' '));
}

/** The document with its tables as they are to be. @throws where it names a field that isn't there */
export function withTables(text: string): string {
  return text.replace(marker, (_, names: string) =>
    [`<!-- fields: ${names} -->`, tableOf(names.split(' ')), '<!-- /fields -->'].join('\n'),
  );
}

function tableOf(paths: readonly string[]): string {
  const rows = paths.map((path) => {
    const field = fields.get(path);
    if (field === undefined) throw new Error(`the config has no field ${path}`);
    const name = `\`${path}\`${isSharedWithEntries(path) ? ' ●' : ''}`;
    return `| ${[name, typeOf(field.schema), defaultOf(field), descriptionOf(field.schema)].join(' | ')} |`;
  });
  return ['| field | type | default | description |', '|---|---|---|---|', ...rows].join('\n');
}

function typeOf(schema: Schema): string {
  return [...new Set(formsOf(schema).map(formText))].join(', ');
}

/** `null` last: it is the least of what a field may be. */
function formsOf(schema: Schema): Schema[] {
  const forms = schema.anyOf?.flatMap(formsOf) ?? [schema];
  return [...forms.filter(({ type }) => type !== 'null'), ...forms.filter(({ type }) => type === 'null')];
}

function formText(schema: Schema): string {
  const { type, minimum, maximum, items } = schema;
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(code).join(', ');
  switch (type) {
    case 'integer':
      return maximum === Number.MAX_SAFE_INTEGER
        ? `whole number, ${minimum} or more`
        : `whole number, ${minimum} to ${maximum?.toLocaleString('en')}`;
    case 'number':
      return maximum === mostSeconds ? 'seconds' : 'number';
    case 'boolean':
      return '`true`, `false`';
    case 'array':
      return `array of ${formsOf(items ?? {})
        .map((form) => `${formText(form)}s`)
        .join(' or ')}`;
    case 'null':
      return '`null`';
    default:
      return type ?? 'anything';
  }
}

function defaultOf({ schema, isRequired }: Field): string {
  if (isRequired) return 'required';
  const value = schema.default;
  const isEmpty = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  return value === undefined || isEmpty ? '' : code(value);
}

/** Its own, and what its forms have to say besides, each on a line. */
function descriptionOf(schema: Schema): string {
  const described = formsOf(schema).filter((form) => form.description !== undefined);
  const own =
    schema.description ?? schema.anyOf?.find(({ description }) => description !== undefined)?.description;
  const ofForms =
    described.length > 1
      ? described.map((form) => `${formText(form)}: ${asMarkdown(form.description ?? '')}`)
      : [];
  const first = asMarkdown(own ?? described[0]?.description ?? '');
  return (own === undefined ? [first] : [first, ...ofForms]).join('<br>');
}

/** What stands between quotes there is code here: `*` and `_` would be taken for emphasis. */
function asMarkdown(text: string): string {
  return text.replace(/"([^"]+)"/g, '`$1`').replaceAll('|', '\\|');
}

function code(value: unknown): string {
  return `\`${JSON.stringify(value)}\``;
}
