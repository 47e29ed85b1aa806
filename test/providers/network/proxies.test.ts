/** Which proxy a call goes through, and what a proxy that is out of reach is called. */
import { afterEach, expect, it, vi } from 'vitest';
import { ProviderError } from '../../../src/core/errors.ts';
import { plainContent } from '../../../src/core/request/content.ts';
import { findProxy } from '../../../src/providers/network/proxies.ts';
import { providerEntry } from '../../../src/providers/registry.ts';

const proxy = 'http://proxy.example.com:3128';

afterEach(() => {
  vi.unstubAllEnvs();
});

it.each<[string, string, boolean]>([
  // NO_PROXY, the address, whether it is an exception.
  ['', 'https://api.openai.com/v1', false],
  ['*', 'https://api.openai.com/v1', true],
  ['example.com, *', 'https://api.openai.com/v1', true],
  ['api.openai.com', 'https://api.openai.com/v1', true],
  ['API.OpenAI.com', 'https://api.openai.com/v1', true],
  ['openai.com', 'https://api.openai.com/v1', true],
  ['.openai.com', 'https://api.openai.com/v1', true],
  ['.openai.com', 'https://openai.com/v1', true],
  ['*.openai.com', 'https://api.openai.com/v1', true],
  ['penai.com', 'https://api.openai.com/v1', false],
  ['com', 'https://api.openai.com/v1', true],
  ['localhost,openai.com', 'https://api.openai.com/v1', true],
  ['localhost  openai.com', 'https://api.openai.com/v1', true],
  ['openai.com:443', 'https://api.openai.com/v1', true],
  ['openai.com:8443', 'https://api.openai.com/v1', false],
  ['openai.com:8443', 'https://api.openai.com:8443/v1', true],
  ['example.com:80', 'http://example.com/v1', true],
  ['10.1.2.3', 'http://10.1.2.3:8000/v1', true],
  ['10.1.2.3:8000', 'http://10.1.2.3:8000/v1', true],
  ['10.1.2.3:80', 'http://10.1.2.3:8000/v1', false],
  ['1.2.3', 'http://10.1.2.3:8000/v1', false],
  ['10.0.0.0/8', 'http://10.1.2.3:8000/v1', true],
  ['10.0.0.0/8', 'http://11.1.2.3:8000/v1', false],
  ['10.0.0.0/99', 'http://10.1.2.3:8000/v1', false],
  ['10.0.0.0/8', 'https://api.openai.com/v1', false],
  ['fd00::7', 'http://[fd00::7]:8000/v1', true],
  ['[fd00::7]', 'http://[fd00::7]:8000/v1', true],
  ['[fd00::7]:8000', 'http://[fd00::7]:8000/v1', true],
  ['[fd00:0::7]:80', 'http://[fd00::7]:8000/v1', false],
  ['fd00:0:0::7', 'http://[fd00::7]:8000/v1', true],
  ['fd00::/8', 'http://[fd00::7]:8000/v1', true],
])('NO_PROXY=%s and %s', (exceptions, address, isException) => {
  const variables = { HTTPS_PROXY: proxy, HTTP_PROXY: proxy, NO_PROXY: exceptions };
  expect(findProxy(new URL(address), variables) === undefined).toBe(isException);
});

it.each<[Record<string, string>, string, string | undefined]>([
  [{ HTTPS_PROXY: proxy }, 'https://a.example', proxy],
  [{ HTTPS_PROXY: proxy }, 'http://a.example', undefined],
  [{ HTTP_PROXY: proxy }, 'http://a.example', proxy],
  [{ HTTP_PROXY: proxy }, 'https://a.example', proxy],
  [{ HTTP_PROXY: 'http://other:1', HTTPS_PROXY: proxy }, 'https://a.example', proxy],
  [{ https_proxy: proxy, HTTPS_PROXY: 'http://other:1' }, 'https://a.example', proxy],
  [{ https_proxy: '', HTTPS_PROXY: proxy }, 'https://a.example', undefined],
  [{ HTTPS_PROXY: proxy, NO_PROXY: '*', no_proxy: 'b.example' }, 'https://a.example', proxy],
  [{ HTTPS_PROXY: 'proxy.example.com:3128' }, 'https://a.example', proxy],
  [{ HTTPS_PROXY: `${proxy}/` }, 'https://a.example', proxy],
  [{ HTTPS_PROXY: 'http://ada:lovelace@proxy.example.com:3128' }, 'https://a.example', proxy],
  [{ HTTPS_PROXY: proxy }, 'https://localhost:8443', undefined],
  [{ HTTP_PROXY: proxy }, 'http://127.0.0.1:8080', undefined],
  [{ HTTP_PROXY: proxy }, 'http://[::1]:8080', undefined],
])('%o and %s', (variables, address, expected) => {
  expect(findProxy(new URL(address), variables)?.address).toBe(expected);
});

it.each([
  ['http://ada:love/lace@proxy.example.com:3128', 'http://…@proxy.example.com:3128'],
  ['http://ada:12/3@proxy.example.com:3128', 'http://…@proxy.example.com:3128'],
  ['ada:love lace@proxy example.com', '…@proxy example.com'],
  ['http://ada:lovelace', 'http://ada:…'],
  ['http://proxy.example.com:99999', 'http://proxy.example.com:99999'],
  ['http://', 'http://'],
])('%s is no address of a proxy, and is named without its password', (value, named) => {
  const problem = `HTTPS_PROXY is not the address of a proxy: ${named}. Give it one such as `;
  try {
    expect(findProxy(new URL('https://a.example'), { HTTPS_PROXY: value })).toBe('refused');
  } catch (error) {
    expect(error).toMatchObject({ scope: 'run', code: 'invalid_proxy' });
    expect((error as ProviderError).message.slice(0, problem.length)).toBe(problem);
  }
});

it('names a proxy that is out of reach, which is worth another try', async () => {
  vi.stubEnv('HTTPS_PROXY', 'http://ada:lovelace@localhost:9');
  const provider = await providerEntry('openai').openSync({
    apiKey: 'a-key',
    timeoutMs: 20_000,
    environment: process.env,
  });
  const request = { customId: 'a', model: 'm', content: plainContent('Hello') };
  const failure = await provider.generate(request, new AbortController().signal).catch((error) => error);
  expect(failure).toBeInstanceOf(ProviderError);
  expect(failure).toMatchObject({ scope: 'retry', code: 'connection', status: undefined });
  expect(failure.message).toMatch(
    /^The proxy http:\/\/localhost:9 \(HTTPS_PROXY\) can't be reached: connect ECONNREFUSED \S+:9\.$/,
  );
});
