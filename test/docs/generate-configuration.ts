/**
 * Generates the tables of docs/configuration.md from the JSON Schema of the config. A table stands between markers that
 * name its fields. Everything outside of the markers is prose.
 *
 *     <!-- fields: timeout killAfter -->
 *     | field | …
 *     <!-- /fields -->
 */
import { jsonSchema } from '../config/generate-json-schema.ts';

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

/** The longest time that the config accepts. A number with this limit is a time in seconds. */
const mostSeconds = 2_147_483;
const marker = /<!-- fields: ([^>]*?) -->\n[\s\S]*?<!-- \/fields -->/g;

/** All fields by their paths, such as `redis.tls.ca` and `runners.concurrency`. */
export const fields: ReadonlyMap<string, Field> = new Map(fieldsOf(jsonSchema() as Schema, ''));

function* fieldsOf(schema: Schema, prefix: string): Iterable<[string, Field]> {
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const path = `${prefix}${name}`;
    yield [path, { schema: field, isRequired: schema.required?.includes(name) ?? false }];
    for (const inner of objectsIn(field)) yield* fieldsOf(inner, `${path}.`);
  }
}

/** The object types that a field, its elements or its values may have. */
function objectsIn(schema: Schema): Schema[] {
  const { anyOf = [], items, additionalProperties: values } = schema;
  const inner = [
    ...anyOf,
    ...(items === undefined ? [] : [items]),
    ...(typeof values === 'object' ? [values] : []),
  ];
  return schema.properties === undefined ? inner.flatMap(objectsIn) : [schema];
}

/** Whether a field may be set both at the top level and in an entry of `runners`. */
export function isSharedWithEntries(path: string): boolean {
  return fields.has(path) && fields.has(`runners.${path}`);
}

/** The fields in a document's tables, in order. */
export function documentedFields(text: string): string[] {
  return [...text.matchAll(marker)].flatMap(([, names = '']) => names.split(' '));
}

/** The document with generated tables. @throws if it names an unknown field */
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

/** `null` comes last. */
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
      return arrayText(formsOf(items ?? {}));
    case 'null':
      return '`null`';
    default:
      return type ?? 'anything';
  }
}

function arrayText(forms: readonly Schema[]): string {
  if (forms.some((form) => Object.keys(form).length === 0)) return 'array';
  const texts = forms.map((form) => (form.enum === undefined ? `${formText(form)}s` : formText(form)));
  return `array of ${texts.join(' or ')}`;
}

function defaultOf({ schema, isRequired }: Field): string {
  if (isRequired) return 'required';
  const value = schema.default;
  const isEmpty = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  return value === undefined || isEmpty ? '' : code(value);
}

/** The field's own description, then those of its forms, each on a line. */
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

/** Quoted text becomes code, since Markdown takes `*` and `_` for emphasis. */
function asMarkdown(text: string): string {
  return text.replace(/"([^"]+)"/g, '`$1`').replaceAll('|', '\\|');
}

function code(value: unknown): string {
  return `\`${JSON.stringify(value)}\``;
}
