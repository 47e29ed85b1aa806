/** What of an answer counts as the JSON that was asked for, and what is said of one that does not. */
import { describe, expect, it, test } from 'vitest';
import type { RowOutcome } from '../../../src/core/models.ts';
import { openAnswerCheck } from '../../../src/orchestrator/answers/answer-check.ts';

async function check(schema: object, text: string, finishReason = 'stop') {
  const checkAnswer = await openAnswerCheck({ schema: schema as Record<string, unknown> });
  const result: RowOutcome = checkAnswer<RowOutcome>({ outcome: 'succeeded', text, finishReason });
  return result.outcome === 'succeeded' ? result.text : result;
}

/** `fits`, or why not. */
async function judge(schema: object, value: unknown): Promise<string> {
  const result = await check(schema, JSON.stringify(value));
  if (typeof result === 'string') return 'fits';
  return result.outcome === 'failed'
    ? result.error.message.replace('The answer does not fit the schema: ', '')
    : '';
}

describe('multipleOf counts in decimal digits', () => {
  it.each([
    [4.35, 0.01],
    [19.99, 0.01],
    [0.07, 0.01],
    [1.1, 0.1],
    [-4.35, 0.01],
    [0, 0.01],
    [3, 1],
    [3.0, 1.5],
    [1e300, 0.01],
    [1e-7, 1e-8],
    [123456789.12, 0.01],
    [0.3, 0.1],
    [1.13, 0.01],
  ])('%s is a multiple of %s', async (value, factor) => {
    expect(await judge({ type: 'number', multipleOf: factor }, value)).toBe('fits');
  });

  it.each([
    [4.355, 0.01],
    [0.075, 0.01],
    [7, 2],
    [4.350000001, 0.01],
    [1e-9, 1e-8],
    [0.1, 0.3],
  ])('%s is no multiple of %s', async (value, factor) => {
    expect(await judge({ type: 'number', multipleOf: factor }, value)).toBe(
      `it must be multiple of ${factor}.`,
    );
  });

  it('at every depth, and only for numbers', async () => {
    const schema = { properties: { price: { multipleOf: 0.01 } } };
    expect(await judge(schema, { price: 4.35 })).toBe('fits');
    expect(await judge(schema, { price: 'none' })).toBe('fits');
    expect(await judge(schema, { price: 4.355 })).toBe('/price must be multiple of 0.01.');
  });
});

describe('what schemas in the wild have is taken as it is meant', () => {
  it.each([
    ['a hyphen that needs no escape', { pattern: '^[\\w\\-]+$' }, 'a-b', 'a b'],
    [
      'an escaped quote in a name',
      { patternProperties: { '^a\\-b$': { type: 'number' } } },
      { 'a-b': 1 },
      { 'a-b': 'x' },
    ],
    ['a property of Unicode', { pattern: '^\\p{L}+$' }, 'é', '1'],
    ['a code point', { pattern: '^.$' }, '😀', '😀😀'],
    ['draft 2019-09', { $schema: 'https://json-schema.org/draft/2019-09/schema', type: 'number' }, 1, 'x'],
    ['draft 06', { $schema: 'http://json-schema.org/draft-06/schema#', type: 'number' }, 1, 'x'],
    [
      'draft 04',
      { $schema: 'http://json-schema.org/draft-04/schema#', id: 'x', minimum: 1, exclusiveMinimum: true },
      2,
      1,
    ],
    ['no exclusive bound', { maximum: 1, exclusiveMaximum: false }, 1, 2],
    [
      'a draft that is none of these',
      { $schema: 'https://spec.openapis.org/oas/3.1/dialect/base', type: 'number' },
      1,
      'x',
    ],
    ['its own address', { $id: 'https://example.com/price.json', type: 'number' }, 1, 'x'],
    [
      'an address that is a file',
      { $id: 'price.schema.json', $ref: '#/$defs/p', $defs: { p: { type: 'number' } } },
      1,
      'x',
    ],
    ['formats that nobody knows', { type: 'string', format: 'money' }, '1', 1],
    ['nullable', { type: 'string', nullable: true }, null, 1],
    ['nullable labels', { type: 'string', enum: ['a'], nullable: true }, null, 'b'],
    [
      'nullable beside a reference',
      { allOf: [{ $ref: '#/$defs/p' }], nullable: true, $defs: { p: { type: 'number' } } },
      null,
      'x',
    ],
    ['nullable that is off', { nullable: false, minimum: 1 }, 1, 0],
    [
      'notes',
      {
        type: 'number',
        title: 't',
        examples: [1],
        deprecated: true,
        'x-note': {},
        discriminator: { propertyName: 'k' },
      },
      1,
      'x',
    ],
    ['a tuple of an older draft', { items: [{ type: 'number' }] }, [1], ['x']],
    ['definitions', { $ref: '#/definitions/p', definitions: { p: { type: 'number' } } }, 1, 'x'],
    ['a property that is called id', { properties: { id: { type: 'number' } } }, { id: 1 }, { id: 'x' }],
  ])('%s', async (_what, schema, right, wrong) => {
    expect(await judge(schema, right)).toBe('fits');
    expect(await judge(schema, wrong)).not.toBe('fits');
  });

  it.each([
    [
      'a type that is none',
      { type: 'text' },
      /^settings.schema is not a valid JSON Schema: schema is invalid: data\/type/,
    ],
    [
      'a pattern that is none',
      { pattern: '(' },
      /^settings.schema is not a valid JSON Schema: Invalid regular expression: /,
    ],
  ])('%s is refused', async (_what, schema, message) => {
    await expect(openAnswerCheck({ schema })).rejects.toThrow(message);
  });
});

const price = { type: 'object', properties: { price: { type: 'number' } }, required: ['price'] };
const json = '{"price": 4.35}';

describe('an answer is the JSON in it', () => {
  it.each([
    ['alone', json],
    ['with white space around it', `\n ${json}\n`, `\n ${json}\n`],
    ['behind a byte order mark', `\ufeff${json}`],
    ['in a code fence', `\`\`\`json\n${json}\n\`\`\``],
    ['in a fence without a language', `\`\`\`\n${json}\n\`\`\``],
    ['in a fence of tildes', `~~~json\n${json}\n~~~`],
    ['in a fence between sentences', `Here it is:\n\n\`\`\`json\n${json}\n\`\`\`\nAnything [else]?`],
    ['in a fence that is not closed', `\`\`\`json\n${json}`],
    ['in a fence on one line', `\`\`\`json ${json} \`\`\``],
    ['behind a sentence', `Sure! Here is the JSON: ${json}`],
    ['ahead of a sentence', `${json}\n\nI took the price "as is" {sic}.`],
    ['behind brackets that are no JSON', `As {you} asked [for]: ${json}`],
    ['behind JSON that does not fit', `See [1]: ${json}`],
    ['behind thoughts', `<think>Maybe {"price": 1}?</think>\n${json}`],
    ['behind thoughts without their first mark', `Maybe {"price": 1}?</think>${json}`],
    ['twice', `${json} As I said: {"price":4.35}`],
  ])('%s', async (_where, text, expected = json) => {
    expect(await check(price, text)).toBe(expected);
  });

  it('with all that is in its strings', async () => {
    const text = '{"price": 1, "note": "a } \\" ] ``` { b"}';
    expect(await check(price, `So: ${text}.`)).toBe(text);
  });

  it.each([
    ['that is none', 'The price is 4.35.', 'schema_mismatch', 'The answer is not JSON.'],
    [
      'that does not fit',
      'So: {"cost": 1}',
      'schema_mismatch',
      "The answer does not fit the schema: it must have required property 'price'.",
    ],
    [
      'that could be either',
      '{"price": 1} or {"price": 2}',
      'schema_mismatch',
      'The answer holds several values that fit the schema, and they differ.',
    ],
    ['that has no end', '{"price": 4', 'schema_mismatch', 'The answer is not JSON.'],
  ])('but not one %s, whose text stays', async (_what, text, kind, message) => {
    expect(await check(price, text)).toEqual({
      outcome: 'failed',
      text,
      error: { kind, message },
      finishReason: 'stop',
    });
  });

  it.each([
    'length',
    'max_tokens',
    'MAX_TOKENS',
    'model_context_window_exceeded',
    'model_length',
    'max_output_tokens',
  ])('and one that was cut off by %s is told as such', async (finishReason) => {
    expect(await check(price, '{"price": 4', finishReason)).toMatchObject({
      text: '{"price": 4',
      error: { kind: 'max_tokens', message: 'The answer was cut off at the token limit.' },
    });
    expect(await check(price, `${json} And so`, finishReason)).toBe(json);
  });

  it('found in little time, whatever an answer holds', async () => {
    expect(await check(price, '['.repeat(400_000))).toMatchObject({ error: { kind: 'schema_mismatch' } });
    expect(await check(price, '{"'.repeat(100_000))).toMatchObject({ error: { kind: 'schema_mismatch' } });
    expect(await check(price, '{"a":'.repeat(400))).toMatchObject({ error: { kind: 'schema_mismatch' } });
    expect(await check(price, '```\n'.repeat(20_000))).toMatchObject({
      error: { message: 'The answer is not JSON.' },
    });
  });
});

test('without a schema, JSON is unwrapped where it is one object, and nothing is refused', async () => {
  const checkAnswer = await openAnswerCheck({ json_mode: true });
  const read = (text: string) => checkAnswer({ outcome: 'succeeded', text });
  expect(read(`\`\`\`json\n${json}\n\`\`\``)).toEqual({ outcome: 'succeeded', text: json });
  for (const text of ['No.', '[1]', '{"a":1} or {"a":2}'])
    expect(read(text)).toEqual({ outcome: 'succeeded', text });
  const asked = await openAnswerCheck({ temperature: 0 });
  expect(asked({ outcome: 'succeeded', text: `So: ${json}` })).toEqual({
    outcome: 'succeeded',
    text: `So: ${json}`,
  });
});
