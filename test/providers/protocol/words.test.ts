import { expect, it } from 'vitest';
import { openWords } from '../../../src/providers/protocol/words.ts';

const wordsFor = (apiKey: string, baseUrl?: string, environment: NodeJS.ProcessEnv = {}) =>
  openWords({ apiKey, timeoutMs: 0, environment, ...(baseUrl !== undefined && { baseUrl }) });

const key = 'a+key/with"odd\\signs&0123456789==';
const base64 = (text: string) => Buffer.from(text).toString('base64');

it.each([
  ['as it is', key],
  ['in other letter case', key.toUpperCase()],
  ['as JSON has it', JSON.stringify(key).slice(1, -1)],
  ['as JSON has it within JSON', JSON.stringify(JSON.stringify(key)).slice(1, -1)],
  ['with escaped slashes', JSON.stringify(key).slice(1, -1).replaceAll('/', '\\/')],
  [
    'with escaped code points',
    key.replaceAll('&', '\\u0026').replaceAll('"', '\\"').replaceAll('\\s', '\\\\s'),
  ],
  ['in an address', encodeURIComponent(key)],
  ['in an address, in small letters', encodeURIComponent(key).replace(/%../g, (byte) => byte.toLowerCase())],
  ['in HTML', key.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('/', '&#x2F;')],
  ['in HTML by numbers', key.replaceAll('&', '&#38;').replaceAll('"', '&#34;').replaceAll('/', '&#047;')],
  ['cut off', key.slice(0, 20)],
  ['with stars in its middle', 'a+key***89=='],
  ['with dots in its middle', 'a+key/wi...9=='],
  ['with an ellipsis in its middle', 'a+key…=='],
  ['with bullets', 'a+k•••••••9=='],
  ['with crosses', 'a+keyXXXXXXXX89=='],
  ['as Basic authorization has it', base64(`user:${key}`)],
  ['alone in Base64', base64(key)],
  ['in Base64 for addresses', Buffer.from(`ab${key}`).toString('base64url')],
])('hides a key %s', (_how, echo) => {
  const { message, word, hide } = wordsFor(key);
  for (const show of [message, word, hide]) {
    const shown = show(`Refused: ${echo} (see the docs)`);
    expect(shown).toContain('[key]');
    expect(shown).toContain('Refused: ');
    expect(shown).not.toContain('0123');
    expect(shown).not.toContain(echo.slice(4, 12));
  }
});

it('hides a key before anything is cut, wherever it stands', () => {
  for (const [show, longest] of [
    [wordsFor(key).message, 500],
    [wordsFor(key).word, 100],
  ] as const) {
    for (let before = 0; before <= 5_000; before += 7) {
      const shown = show(`${'x'.repeat(before)} ${key} rest`);
      expect(shown.length).toBeLessThanOrEqual(longest);
      expect(/a\+k|with"odd|0123/.test(shown)).toBe(false);
    }
    expect(show(`${' '.repeat(4_090)}${key}`)).not.toContain('a+k');
  }
});

it('hides a short key as a word of its own, and leaves words that hold it', () => {
  expect(wordsFor('k3y').message('k3y is taken')).toBe('k3y is taken');
  expect(wordsFor('test').message('The latest test "test" failed: test.')).toBe(
    'The latest [key] "[key]" failed: [key].',
  );
  expect(wordsFor('p(1)?').message('Bad key p(1)?, or is p(1)?')).toBe('Bad key [key], or is [key]');
});

it('hides passwords of addresses and of proxies', () => {
  const { message } = wordsFor(
    'key-0123456789',
    'https://me:gate%2Fpass@gw.example.com/v1?token=query-secret',
    {
      HTTPS_PROXY: 'http://you:prox%21pass@proxy.example.com:3128',
      http_proxy: 'other:plainpass@proxy.example.com:3128',
    },
  );
  const secrets = ['gate/pass', 'gate%2Fpass', 'query-secret', 'prox!pass', 'prox%21pass', 'plainpass'];
  const tokens = ['me:gate/pass', 'you:prox!pass', 'other:plainpass'].map(base64);
  for (const secret of [...secrets, ...tokens]) expect(message(`no: ${secret}`)).toBe('no: [key]');
});

it('hides what looks like a key of somebody else', () => {
  const { message } = wordsFor('key-0123456789');
  expect(message('sk-other0123456789 AIzaSy0123456789abcdef at https://me:secret@host/x?key=abcd')).toBe(
    '[key] [key] at https://host/x?key=[key]',
  );
  expect(message('Authorization: Bearer abc, or Basic dXNlcjpwYXNzd29yZA==')).toBe(
    'Authorization: Bearer [key], or Basic [key]',
  );
  expect(message('the basic tier, the task-runner, the risk-free plan')).toBe(
    'the basic tier, the task-runner, the risk-free plan',
  );
});

it('leaves nothing that steers a terminal, and no half of a character', () => {
  const { message, word } = wordsFor('key-0123456789');
  expect(message('a\u001b[31m\u0007b\u202e\u2066c\u2028d\u0085e\ud800f')).toBe('a [31m b c d e\ufffdf');
  expect(word(`${'é'.repeat(98)}😀`)).toBe(`${'é'.repeat(98)}😀`);
  expect(word(`${'é'.repeat(98)}😀x`)).toBe(`${'é'.repeat(98)}…`);
});

it('looks at the beginning of a text only, however long it is', () => {
  const { message } = wordsFor(key);
  const start = `${'word '.repeat(200)}`;
  const unread = {
    length: 10 ** 9,
    slice: (from: number, to: number) => (start + 'x'.repeat(to)).slice(from, to),
  };
  expect(message(unread as unknown as string)).toBe(message(start + 'y'.repeat(100_000)));
});
