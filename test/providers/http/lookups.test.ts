/** Names are looked up once for the connections that are made at about the same time. */
import type { LookupAddress } from 'node:dns';
import { afterEach, expect, it, vi } from 'vitest';
import { type LookUp, shareLookups } from '../../../src/providers/http/lookups.ts';

const found: LookupAddress[] = [
  { address: '192.0.2.1', family: 4 },
  { address: '192.0.2.2', family: 4 },
];

/** Look-ups that are answered when the test says so. */
function openNames() {
  const asked: { name: string; tell: Parameters<LookUp>[2] }[] = [];
  const lookUp: LookUp = (name, _options, tell) => void asked.push({ name, tell });
  const { lookup, forget } = shareLookups(lookUp);
  const ask = (name: string) =>
    new Promise((resolve, reject) => {
      lookup(name, { all: true }, (error, addresses) => (error ? reject(error) : resolve(addresses)));
    });
  return { asked, lookup, forget, ask };
}

afterEach(() => {
  vi.useRealTimers();
});

it('shares a look-up that is under way, and takes its addresses for some seconds', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const { asked, ask } = openNames();
  const waiting = [ask('a.example'), ask('a.example'), ask('b.example')];
  expect(asked.map(({ name }) => name)).toEqual(['a.example', 'b.example']);
  for (const { tell } of asked) tell(null, found);
  expect(await Promise.all(waiting)).toEqual([found, found, found]);
  vi.advanceTimersByTime(9_999);
  expect(await ask('a.example')).toEqual(found);
  expect(asked).toHaveLength(2);
  vi.advanceTimersByTime(2);
  void ask('a.example');
  expect(asked).toHaveLength(3);
});

it('tells a failure to those who waited for it alone', async () => {
  const { asked, ask } = openNames();
  const failures = [ask('a.example'), ask('a.example')].map((waiting) => waiting.catch((error) => error));
  const failure = Object.assign(new Error('getaddrinfo ENOTFOUND a.example'), { code: 'ENOTFOUND' });
  asked[0]?.tell(failure, []);
  expect(await Promise.all(failures)).toEqual([failure, failure]);
  const again = ask('a.example');
  asked[1]?.tell(null, found);
  expect(await again).toEqual(found);
});

it('looks a name up again once a connection to it has failed', async () => {
  const { asked, ask, forget } = openNames();
  const first = ask('a.example');
  asked[0]?.tell(null, found);
  await first;
  forget('a.example');
  void ask('a.example');
  expect(asked).toHaveLength(2);
});

it('gives the first address to whoever takes only one', async () => {
  const { asked, lookup } = openNames();
  const one = new Promise((resolve) => {
    lookup('a.example', {}, (error, address, family) => resolve([error, address, family]));
  });
  asked[0]?.tell(null, found);
  expect(await one).toEqual([null, '192.0.2.1', 4]);
});
