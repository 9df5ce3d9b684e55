import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { generateJsonSchema, jsonSchema } from './generate-json-schema.ts';

const file = new URL('../../cfg.schema.json', import.meta.url);

test('cfg.schema.json is what the definitions give (UPDATE_SCHEMA=1 writes it anew)', () => {
  const generated = generateJsonSchema();
  if (process.env.UPDATE_SCHEMA === '1') writeFileSync(file, generated);
  expect(readFileSync(file, 'utf8')).toBe(generated);
});

test('the file also accepts a variable for a number, a choice, true and false, and has comments', () => {
  const { properties, ...rest } = JSON.parse(generateJsonSchema());
  const variable = { type: 'string', pattern: '\\$\\{' };
  expect(rest).toMatchObject({ allowComments: true, allowTrailingCommas: true });
  expect(properties.killAfter).toMatchObject({ type: ['number', 'string'], minimum: 0, pattern: '\\$\\{' });
  expect(properties.prestart).toMatchObject({ type: ['boolean', 'string'], default: false });
  expect(properties.delivery).toEqual({
    anyOf: [{ enum: ['at-most-once', 'at-least-once'] }, variable],
    description: expect.any(String),
    default: 'at-most-once',
  });
  expect(properties.namespace).toMatchObject({
    type: 'string',
    description: expect.any(String),
    default: 'resque',
  });
});

test('every field of the JSON Schema has a description', () => {
  const bare: string[] = [];
  collectBare(JSON.parse(generateJsonSchema()), '', bare);
  expect(bare).toEqual([]);
});

test('the JSON Schema has the fields, limits and defaults of the config', () => {
  const schema = jsonSchema();
  expect(schema).toMatchObject({
    $schema: 'http://json-schema.org/draft-07/schema#',
    additionalProperties: false,
    properties: {
      namespace: { type: 'string', default: 'resque' },
      interrupted: { enum: ['fail', 'requeue'], default: 'fail' },
      mode: { enum: ['process', 'persistent'], default: 'process' },
      prestart: { type: 'boolean', default: false },
      prestartMaxAge: { default: 600 },
      maxJobs: { default: null },
      runners: {
        additionalProperties: {
          anyOf: [
            { type: 'integer', minimum: 1, maximum: 10_000 },
            {
              type: 'object',
              properties: {
                concurrency: { type: 'integer', default: 1 },
                mode: { enum: ['process', 'persistent'] },
                prestart: { type: 'boolean' },
              },
            },
          ],
        },
      },
      redis: {
        anyOf: [{ const: 'embedded' }, { type: 'string' }, { properties: { port: { default: 6379 } } }],
      },
    },
  });
});

/** A description may stand at the field, or at each of its forms. */
function isDescribed(node: Record<string, unknown>): boolean {
  const forms = (node.anyOf ?? []) as Record<string, unknown>[];
  return typeof node.description === 'string' || forms.some(isDescribed);
}

function collectBare(node: unknown, path: string, bare: string[]): void {
  if (typeof node !== 'object' || node === null) return;
  for (const [key, value] of Object.entries(node)) {
    if (key === 'properties') {
      for (const [name, field] of Object.entries(value)) {
        if (!isDescribed(field as Record<string, unknown>)) bare.push(`${path}.${name}`);
      }
    }
    collectBare(value, `${path}.${key}`, bare);
  }
}
