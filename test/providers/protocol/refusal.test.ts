import { expect, it } from 'vitest';
import { failureToError } from '../../../src/providers/protocol/refusal.ts';
import { openWords } from '../../../src/providers/protocol/words.ts';

const words = openWords({ apiKey: undefined, timeoutMs: 0, environment: {} });

const caused = (code: string, message: string) =>
  new TypeError('fetch failed', { cause: Object.assign(new Error(message), { code }) });

it.each([
  ['a mistake in a program', new TypeError('x is not a function'), { scope: 'run', code: 'internal' }],
  [
    'a certificate that has expired',
    caused('CERT_HAS_EXPIRED', 'certificate has expired'),
    {
      scope: 'run',
      code: 'connection',
      message: 'The connection to the provider failed: certificate has expired',
    },
  ],
  [
    'a broken connection',
    caused('UND_ERR_SOCKET', 'other side closed'),
    { scope: 'retry', code: 'connection' },
  ],
  [
    'a port that no call may go to',
    caused('', 'bad port'),
    { scope: 'run', code: 'connection', message: 'The connection to the provider failed: bad port' },
  ],
  [
    'a name that is not found',
    caused('ENOTFOUND', 'getaddrinfo ENOTFOUND x'),
    { scope: 'retry', code: 'connection' },
  ],
  ['a slow connect', caused('UND_ERR_CONNECT_TIMEOUT', ''), { scope: 'retry', code: 'timeout' }],
])('classes %s', (_what, failure, expected) => {
  expect(failureToError(failure, words)).toMatchObject({ status: undefined, ...expected });
});
