/** The fields that answers are to have: how people write them, the schema that they make, and the columns of a schema. */
import { describe, expect, it, test } from 'vitest';
import { describeTold, type LoomError } from '../../../src/core/errors.ts';
import { textOf } from '../../../src/formats/format.ts';
import { columnsOfSchema, readFields } from '../../../src/orchestrator/fields/field-columns.ts';
import { schemaOfFields } from '../../../src/orchestrator/fields/field-schema.ts';
import { parseFields } from '../../../src/orchestrator/fields/parse-fields.ts';

/** Each field on a line, as one would write it. */
function read(spec: string): string[] {
  return parseFields(spec).map(({ name, type, isList, isOptional, description }) => {
    const kind = typeof type === 'string' ? type : type.labels.join('|');
    return `${name}${isOptional ? '?' : ''}: ${kind}${isList ? '[]' : ''}${description ? ` - ${description}` : ''}`;
  });
}

describe('a spec of fields', () => {
  it.each([
    ['sentiment', ['sentiment: string']],
    ['sentiment: positive|negative, score: integer', ['sentiment: positive|negative', 'score: integer']],
    ['a,b , c?', ['a: string', 'b: string', 'c?: string']],
    ['a: Number\nb?: boolean[]\n\n', ['a: number', 'b?: boolean[]']],
    ['tags: food|service[]', ['tags: food|service[]']],
    ['tags: (food|service)[]', ['tags: food|service[]']],
    ["tone: 'very good' | 'so so'", ['tone: very good|so so']],
    ['score: integer - from 1 to 5, reason - why', ['score: integer - from 1 to 5', 'reason: string - why']],
    ['score: integer – from 1, the worst, to 5', ['score: integer - from 1, the worst, to 5']],
    ['a - one, two', ['a: string - one', 'two: string']],
    [
      'a, score: integer — from 1 (worst), to 5\nb - first, second',
      ['a: string', 'score: integer - from 1 (worst), to 5', 'b: string - first, second'],
    ],
    ['größe_2-x: number', ['größe_2-x: number']],
    ['a - one - two', ['a: string - one - two']],
    ['a,', ['a: string']],
  ])('reads %j', (spec, fields) => {
    expect(read(spec)).toEqual(fields);
  });

  it.each([
    [' ', 'there is no field in it. Write them as in: sentiment: positive|negative, score?: integer'],
    ['a, a', 'the field "a" is in it twice. Write them as in: sentiment: positive|negative, score?: integer'],
    ['a b: string', '"a b" is no name of a field. A name has letters, digits, _ and - alone.'],
    [
      'a: int',
      'the field "a" has the type "int", which there is not. Did you mean integer? Types are string, integer, number, boolean and labels (a|b|c), and any of them with [].',
    ],
    [
      'a: positive',
      'the field "a" has the type "positive", which there is not. Types are string, integer, number, boolean and labels (a|b|c), and any of them with [].',
    ],
    [
      'a: x||y',
      'a label of the field "a" is empty. Write them as in: sentiment: positive|negative, score?: integer',
    ],
    [
      'a: x|y|x',
      'the field "a" has the label "x" twice. Write them as in: sentiment: positive|negative, score?: integer',
    ],
  ])('refuses %j with the part that is wrong', (spec, told) => {
    let error: unknown;
    try {
      parseFields(spec);
    } catch (thrown) {
      error = thrown;
    }
    expect(describeTold(error as LoomError)).toBe(`fields can't be read: ${told}`);
  });
});

test('fields make a schema of an object with them alone, in which an optional one may be null', () => {
  const fields = parseFields(
    'tone: good|bad - of the text\nscore?: integer\nmood?: up|down\ntags: string[]\nflags?: boolean[]',
  );
  expect(schemaOfFields(fields)).toEqual({
    type: 'object',
    properties: {
      tone: { description: 'of the text', type: 'string', enum: ['good', 'bad'] },
      score: { type: ['integer', 'null'] },
      mood: { type: ['string', 'null'], enum: ['up', 'down', null] },
      tags: { type: 'array', items: { type: 'string' } },
      flags: { type: ['array', 'null'], items: { type: 'boolean' } },
    },
    required: ['tone', 'tags'],
    additionalProperties: false,
  });
});

describe('the columns of a schema', () => {
  test('have a type where all values of a property are of one, null aside', () => {
    const schema = {
      $defs: { Tone: { enum: ['good', 'bad'] }, 'a/b': { type: 'number' } },
      type: 'object',
      properties: {
        text: { type: 'string' },
        count: { type: ['integer', 'null'] },
        share: { anyOf: [{ $ref: '#/$defs/a~1b' }, { type: 'null' }] },
        isRude: { type: 'boolean' },
        tone: { $ref: '#/$defs/Tone', description: 'of it' },
        level: { const: 3 },
        tags: { type: 'array', items: {} },
        mixed: { type: ['string', 'number'] },
        any: {},
        loop: { $ref: '#/properties/loop' },
      },
    };
    expect(Object.fromEntries(columnsOfSchema(schema).map(({ field, type }) => [field, type]))).toEqual({
      text: 'text',
      count: 'integer',
      share: 'number',
      isRude: 'boolean',
      tone: 'text',
      level: 'integer',
      tags: 'json',
      mixed: 'json',
      any: 'json',
      loop: 'json',
    });
  });

  it.each([[{ type: 'array' }], [{ type: 'object' }], [{ type: 'object', properties: {} }]])(
    'are none of %j',
    (schema) => {
      expect(() => columnsOfSchema(schema)).toThrow(
        'the schema has no properties at its top level to make columns of.',
      );
    },
  );

  const columns = ['a', 'b', 'c', 'd', 'e'].map((field) => ({ field, type: 'json' as const }));

  test('hold what an answer has, digit by digit, and nothing for what it lacks', () => {
    const answer =
      '{ "b" : 12345678901234567890.10, "a": "x \\"y\\"\\n", "d": [1, {"z": true}], "e": null, "b": 1.0 }';
    const values = readFields(answer, columns);
    expect(values.map(textOf)).toEqual(['x "y"\n', '1.0', null, '[1,{"z":true}]', null]);
    expect(values[0]).toEqual({ json: '"x \\"y\\"\\n"' });
  });

  test('hold nothing of an answer that is no object', () => {
    expect(readFields('[{"a": 1}]', columns)).toEqual([null, null, null, null, null]);
  });
});
