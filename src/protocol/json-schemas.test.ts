/** The JSON Schemas for OpenAPI. */
import { describe, expect, it } from 'vitest';
import { wireJsonSchemas } from './json-schemas.ts';

describe('wireJsonSchemas', () => {
  const schemas = wireJsonSchemas();

  it('name each other by reference, and every reference has its target', () => {
    const references = [...JSON.stringify(schemas).matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1]);
    expect(references.length).toBeGreaterThan(20);
    for (const reference of references) {
      expect(Object.keys(schemas).map((name) => `#/components/schemas/${name}`)).toContain(reference);
    }
  });

  it('describe a message with its required fields and free metadata', () => {
    expect(schemas.Message).toMatchObject({
      type: 'object',
      required: ['messageId', 'role', 'parts'],
      properties: { parts: { items: { $ref: '#/components/schemas/Part' } }, metadata: { type: 'object' } },
    });
    expect(JSON.stringify(schemas)).not.toContain('"additionalProperties":false');
  });
});
