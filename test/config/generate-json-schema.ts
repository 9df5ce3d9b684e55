/**
 * Makes cfg.schema.json from the definitions that validate. It lives with the tests because the library that
 * it needs is for development only; the program never makes a JSON Schema.
 */
import { type ConversionConfig, type JsonSchema, toJsonSchema } from '@valibot/to-json-schema';
import type { GenericSchema } from 'valibot';
import { configSchema } from '../../src/config/schema.ts';

/** The JSON Schema of a config file (draft 7), as text. */
export function generateJsonSchema(): string {
  const schema = {
    ...toJsonSchema(configSchema, conversion),
    title: 'Configuration of resque-runner',
    // For Visual Studio Code, and editors that use its language server.
    ...{ allowComments: true, allowTrailingCommas: true },
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
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
