import { expect, it } from 'vitest';
import { NotSent } from '../../../src/providers/http/http-call.ts';
import { Silence } from '../../../src/providers/http/silence.ts';
import { ConnectTimeout } from '../../../src/providers/http/sockets.ts';
import { failureToError } from '../../../src/providers/protocol/refusal.ts';
import { openWords } from '../../../src/providers/protocol/words.ts';

const words = openWords({ apiKey: undefined, timeoutMs: 0, environment: {} });

const failed = (code: string, message: string) => Object.assign(new Error(message), { code });

it.each([
  ['a mistake in a program', new TypeError('x is not a function'), { scope: 'run', code: 'internal' }],
  [
    'a certificate that has expired',
    failed('CERT_HAS_EXPIRED', 'certificate has expired'),
    {
      scope: 'run',
      code: 'connection',
      message: 'The connection to the provider failed: certificate has expired',
    },
  ],
  [
    'a broken connection',
    failed('ECONNRESET', 'socket hang up'),
    { scope: 'retry', code: 'connection', brokeOff: true },
  ],
  [
    'a network that went away while an answer was waited for',
    Object.assign(failed('ETIMEDOUT', 'read ETIMEDOUT'), { syscall: 'read' }),
    { scope: 'retry', code: 'connection', brokeOff: true },
  ],
  [
    'a host that went out of reach while an answer was waited for',
    Object.assign(failed('EHOSTUNREACH', 'read EHOSTUNREACH'), { syscall: 'read' }),
    { scope: 'retry', code: 'connection', brokeOff: true },
  ],
  [
    'a host that is out of reach',
    Object.assign(failed('EHOSTUNREACH', 'connect EHOSTUNREACH'), { syscall: 'connect' }),
    { scope: 'retry', code: 'connection', brokeOff: false },
  ],
  [
    'a name that is not found',
    failed('ENOTFOUND', 'getaddrinfo ENOTFOUND x'),
    { scope: 'retry', code: 'connection', brokeOff: false },
  ],
  [
    'a name with several addresses that nobody answers at',
    new AggregateError([failed('ECONNREFUSED', 'connect ECONNREFUSED ::1:9')], ''),
    {
      scope: 'retry',
      code: 'connection',
      message: 'The connection to the provider failed: connect ECONNREFUSED ::1:9',
      brokeOff: false,
    },
  ],
  [
    'a kept connection that was closed before the call was sent',
    new NotSent(failed('ECONNRESET', 'socket hang up')),
    { scope: 'retry', code: 'connection', brokeOff: false },
  ],
  ['a slow connect', new ConnectTimeout(), { scope: 'retry', code: 'timeout', brokeOff: false }],
  ['silence', new Silence(), { scope: 'retry', code: 'timeout' }],
])('classes %s', (_what, failure, expected) => {
  expect(failureToError(failure, words)).toMatchObject({ status: undefined, ...expected });
});
