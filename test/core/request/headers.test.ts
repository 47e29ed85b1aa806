import { describe, expect, test } from 'vitest';
import { LoomError } from '../../../src/core/errors.ts';
import {
  checkHeaders,
  isOfCaller,
  listHeaderSecrets,
  pickHeaders,
  readHeaders,
  readHeaderVariable,
} from '../../../src/core/request/headers.ts';

/** What an error tells. */
function told(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    if (error instanceof LoomError)
      return [error.kind, error.message, error.hint].filter(Boolean).join(' | ');
    throw error;
  }
  return undefined;
}

test('a text is a name and a value, which may hold colons', () => {
  expect(readHeaders(['X-Team: blue', 'x-link:https://a.example/b', ' openai/X-Key :  a b '])).toEqual({
    'X-Team': 'blue',
    'x-link': 'https://a.example/b',
    'openai/X-Key': 'a b',
  });
});

test.each([
  ['a line for each', 'X-A: 1\r\n\n  X-B: two words \n'],
  ['the two characters that a .env has for a line end', 'X-A: 1\\nX-B: two words'],
  ['quotes that Docker leaves around it', '"X-A: 1\\nX-B: two words"'],
  ['a JSON object', ' { "X-A": "1", "X-B": "two words" } '],
  ['the same in quotes', `'{"X-A":"1","X-B":"two words"}'`],
])('the variable holds %s', (_, text) => {
  expect(readHeaderVariable(text)).toEqual({ 'X-A': '1', 'X-B': 'two words' });
});

test('a variable that is empty has none', () => {
  expect(readHeaderVariable(' ')).toEqual({});
});

const form = `is not of the form 'Name: value'. | A name is made of letters, digits and "-", as in X-Team.`;

test.each([
  [['s3cret-0123456789'], `usage | header 1 ${form}`],
  [['X-A: 1', 'X Team: s3cret'], `usage | header 2 ${form}`],
  [[': s3cret'], `usage | header 1 ${form}`],
])('what is no header is refused by its place, and not repeated: %j', (texts, error) => {
  expect(told(() => readHeaders(texts))).toBe(error);
});

test.each(['{"X-A": "s3cret"', '{"X-A": ["s3cret"]}', '{"X-A": 5}'])(
  '%s is not taken for headers',
  (text) => {
    expect(told(() => readHeaderVariable(text))).toBe('usage | the headers are not a JSON object of texts.');
  },
);

const saidByLoom = "can't be given: loom says it by itself, or a request would not arrive.";

test.each<[string, string, string]>([
  ...['Host', 'content-length', 'Transfer-Encoding', 'Connection', 'Content-Type', 'Range'].map(
    (name): [string, string, string] => [name, 'x', saidByLoom],
  ),
  ['X-Goog-Upload-Command', 'x', saidByLoom],
  ['openai/Host', 'x', saidByLoom],
  ['Idempotency-Key', 'x', "can't be given: it would be the same for all requests."],
  ['X-Team', ' ', 'has no value.'],
  ['X-Team', 's3cret\r\nHost: other', 'has a line end in its value.'],
  ['X-Team', 's3crét', 'has characters in its value that no header takes.'],
])('%s: %j is refused without its value', (name, value, what) => {
  expect(told(() => checkHeaders({ [name]: value }))).toBe(
    `usage | the header ${name.replace('openai/', '')} ${what}`,
  );
});

test('a key that was typed for a name is not repeated', () => {
  expect(told(() => checkHeaders({ 'sk-0123456789abcdef': '' }))).toBe(
    'usage | the header [key] has no value.',
  );
});

test.each(['Authorization', 'X-Api-Key', 'anthropic-beta', 'User-Agent', 'Cookie', 'x-portkey-provider'])(
  '%s may be given',
  (name) => {
    expect(told(() => checkHeaders({ [name]: 'a value' }))).toBeUndefined();
  },
);

test('the later set counts, in any case of a name, and what is for a provider before what is for all', () => {
  const found = { 'X-Team': 'red', 'openai/X-Key': 'ours', 'anthropic/X-Other': 'theirs' };
  const given = { 'x-team': 'blue', 'X-Key': 'for all' };
  expect(pickHeaders('openai', found, given)).toEqual({ 'x-team': 'blue', 'X-Key': 'for all' });
  expect(pickHeaders('openai', { 'openai/X-Key': 'ours', ...given })).toEqual({
    'x-team': 'blue',
    'X-Key': 'ours',
  });
  expect(pickHeaders('anthropic', found)).toEqual({ 'X-Team': 'red', 'X-Other': 'theirs' });
});

test.each([
  ...[
    'Authorization',
    'x-api-key',
    'cf-aig-authorization',
    'helicone-auth',
    'X-Amz-Security-Token',
    'cookie',
  ],
  ...['OpenAI-Organization', 'user-agent', 'traceparent', 'x-request-id', 'helicone-session-id'],
])('%s says who asks, or which call it is', (name) => {
  expect(isOfCaller(name)).toBe(true);
});

test.each([
  'x-portkey-provider',
  'x-portkey-virtual-key',
  'x-litellm-model',
  'X-Team',
  'anthropic-beta',
  'x-portkey-config',
  'x-author',
])('%s may lead to another model', (name) => {
  expect(isOfCaller(name)).toBe(false);
});

describe('what nobody may read', () => {
  test.each([
    [{ 'X-Team': 'blue-4711' }, ['blue-4711', 'blue-4711']],
    [{ 'X-Key': 'swordfish' }, ['swordfish', 'swordfish']],
    [{ Authorization: 'Bearer abcdefgh' }, ['Bearer abcdefgh', 'abcdefgh']],
    [{ Cookie: 'a=0123456789; b=1' }, ['a=0123456789; b=1', '0123456789']],
    [
      { Authorization: `Basic ${btoa('me:pass word')}` },
      [`Basic ${btoa('me:pass word')}`, 'bWU6cGFzcyB3b3Jk', 'me:pass word', 'pass word'],
    ],
  ])('%j: the value, and the parts of it', (headers, secrets) => {
    expect(listHeaderSecrets(headers)).toEqual(secrets);
  });

  test('a word of letters is in every message, and no secret but in a header for one', () => {
    expect(listHeaderSecrets({ 'x-portkey-provider': 'openai' })).toEqual([]);
  });
});
