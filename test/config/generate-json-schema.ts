/**
 * Makes cfg.schema.json from the definitions that validate. It lives with the tests because the library that
 * it needs is for development only; the program never makes a JSON Schema.
 */
import { type ConversionConfig, type JsonSchema, toJsonSchema } from '@valibot/to-json-schema';
import type { GenericSchema } from 'valibot';
import { configSchema } from '../../src/config/schema.ts';

/** cfg.schema.json: the JSON Schema (draft 7) of what people can write in a file. */
export function generateJsonSchema(): string {
  const schema = {
    ...withVariables(jsonSchema()),
    title: 'Configuration of resque-runner',
    // For Visual Studio Code, and editors that use its language server.
    ...{ allowComments: true, allowTrailingCommas: true },
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

/** The JSON Schema of a config without variables. */
export function jsonSchema(): JsonSchema {
  return toJsonSchema(configSchema, conversion);
}

const variable = { type: 'string', pattern: '\\$\\{' } as const;

/** Numbers, true, false and choices can also be variables, such as "${SLOTS}". Other texts are strings already. */
function withVariables(schema: JsonSchema): JsonSchema {
  const inner = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      key === 'default' ? value : withVariablesInside(value),
    ]),
  ) as JsonSchema;
  const { type, enum: choices, description, default: otherwise } = inner;
  if (choices !== undefined) {
    return {
      anyOf: [{ enum: choices }, variable],
      ...(description === undefined ? {} : { description }),
      ...(otherwise === undefined ? {} : { default: otherwise }),
    };
  }
  const isScalar = type === 'integer' || type === 'number' || type === 'boolean';
  return isScalar ? { ...inner, type: [type, 'string'], pattern: variable.pattern } : inner;
}

function withVariablesInside(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withVariablesInside);
  return typeof value === 'object' && value !== null ? withVariables(value as JsonSchema) : value;
}

const conversion: ConversionConfig = {
  target: 'draft-07',
  typeMode: 'input',
  // Checks have no counterpart; what they refuse, the program reports.
  ignoreActions: ['check'],
  overrideSchema: ({ valibotSchema }) =>
    'documented' in valibotSchema ? plain(valibotSchema.documented as GenericSchema) : undefined,
};

/** The schema that a compound one documents itself with; `$schema` belongs to the outermost only. */
function plain(documented: GenericSchema): JsonSchema {
  const { $schema: _, ...schema } = toJsonSchema(documented, conversion);
  return schema;
}
