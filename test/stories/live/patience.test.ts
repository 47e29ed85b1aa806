/** `--patience`: how long a live run waits under rate limits, and what ends it at once. */
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { runSync } from '../../../src/index.ts';
import { type Response, refusal, say } from '../worlds/http-server.ts';
import { orderOf, providers } from '../worlds/sandbox-world.ts';
import { useServedWorld } from '../worlds/use-world.ts';

/** What the third call and all later ones are told. */
let refuse: () => Response;
const { world, server } = useServedWorld(() => (server.requests.length <= 2 ? say('fine') : refuse()));

const limit = (message: string, headers: Record<string, string> = {}, error: object = {}) =>
  refusal(429, message, { type: 'rate_limit_error', ...error }, headers);

/** When it is in so many hours, as it is told. */
const endTold = String.raw`\(until \d{4}-\d\d-\d\d \d\d:\d\d\)`;
const goesOn =
  'The answers so far are kept, and no output is written: the same command goes on from there. See --patience.';

beforeEach(async () => {
  const prompts = Array.from({ length: 30 }, (_, row) => `prompt ${row + 1}\n`);
  await world.write('data.csv', `text\n${prompts.join('')}`);
});

const run = (provider: string, ...flags: string[]) =>
  world.run('-p', provider, '--sync', '-w', '1', ...flags);

const inHours = (hours: number) => Date.now() + hours * 3_600_000;

/** How each provider says of its limit when it ends, in hours. */
const longLimits: Readonly<Record<string, () => Response>> = {
  openai: () =>
    limit('Rate limit reached.', {
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '6h59m30s',
    }),
  anthropic: () =>
    limit('Rate limit reached.', {
      'anthropic-ratelimit-requests-remaining': '0',
      'anthropic-ratelimit-requests-reset': new Date(inHours(6.99)).toISOString(),
    }),
  google: () =>
    limit('Rate limit reached.', {}, { details: [{ '@type': 'RetryInfo', retryDelay: '25170s' }] }),
  openrouter: () =>
    limit(
      'Rate limit reached.',
      {},
      {
        code: 429,
        metadata: { headers: { 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': String(inHours(6.99)) } },
      },
    ),
  alibaba: () => limit('Rate limit reached.', { 'retry-after': '25170' }),
};

/** How each says that it is of a day. */
const dayLimits: Readonly<Record<string, () => Response>> = {
  openai: () => limit('Rate limit reached for m on requests per day (RPD): Limit 200, Used 200.'),
  anthropic: () => limit('This would exceed the rate limit of 1,000 requests per day.'),
  google: () =>
    limit(
      'You exceeded your current quota.',
      {},
      {
        details: [
          { '@type': 'QuotaFailure', violations: [{ quotaId: 'GenerateRequestsPerDayPerProjectPerModel' }] },
          { '@type': 'RetryInfo', retryDelay: '40s' },
        ],
      },
    ),
  openrouter: () => limit('Rate limit exceeded: free-models-per-day.', {}, { code: 429 }),
  alibaba: () => limit('Daily quota exceeded.', { 'retry-after': '1' }),
};

describe.each(providers)('at %s', (provider) => {
  test('a limit that ends in hours ends the run at once; the same command goes on later', async () => {
    refuse = longLimits[provider] as () => Response;
    const { code, stdout, stderr } = await run(provider);
    expect({ code, stdout, calls: server.requests.length }).toEqual({ code: 1, stdout: '', calls: 3 });
    expect(stderr).toMatch(
      new RegExp(
        String.raw`Error: [^\n]+: Rate limit reached\. It asks to wait 7 hours ${endTold}, and loom waits for at most 5 minutes\. ${goesOn}\n$`,
      ),
    );
    expect(await world.listFolder()).toEqual(['data.csv']);
    refuse = () => say('fine');
    expect((await run(provider)).code).toBe(0);
    expect(server.requests.length).toBe(3 + 28);
  });

  test('a limit of a day ends it at once, whatever else it says', async () => {
    refuse = dayLimits[provider] as () => Response;
    const { code, stderr } = await run(provider);
    expect({ code, calls: server.requests.length }).toEqual({ code: 1, calls: 3 });
    expect(stderr).toContain(
      `. It is a limit of a day or longer: waiting for minutes is of no use. ${goesOn}`,
    );
    expect(await world.listFolder()).toEqual(['data.csv']);
  });
});

test('with patience over under a limit that says nothing, it ends, and the answers are kept', async () => {
  refuse = () => limit('Slow down.');
  const { code, stderr } = await run('openai', '--patience', '1s');
  expect(code).toBe(1);
  expect(stderr).toContain(`Slow down. No call was answered for 1 second. ${goesOn}`);
  expect(await world.listFolder()).toEqual(['data.csv']);
  const refused = server.requests.length;
  refuse = () => say('fine');
  expect((await run('openai')).code).toBe(0);
  expect(server.requests.length).toBe(refused + 28);
});

test('a limit of seconds is waited out', async () => {
  let refusals = 0;
  refuse = () => {
    refusals += 1;
    const reset = { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '1s' };
    return refusals === 1 ? limit('On requests per min (RPM).', reset) : say('fine');
  };
  expect(await run('openai')).toMatchObject({ code: 0 });
  expect(server.requests.length).toBe(31);
});

test('more patience waits for a limit that ends later', async () => {
  refuse = () => limit('Slow down.', { 'retry-after': '25170' });
  const { stderr } = await run('openai', '--patience', '6h');
  expect(stderr).toMatch(/It asks to wait 7 hours \(until [^)]+\), and loom waits for at most 6 hours\./);
});

test('the JSON document tells of it by a kind of its own', async () => {
  refuse = dayLimits.openai as () => Response;
  const { code, stdout } = await run('openai', '--output-format', 'json');
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    exit_code: 1,
    output: null,
    error: { kind: 'limit', hint: goesOn },
  });
});

test.each(['anthropic', 'google'] as const)('a count at %s ends so too', async (provider) => {
  refuse = longLimits[provider] as () => Response;
  const { code, stdout, stderr } = await world.loom('tokens', ...orderOf(provider), '-w', '1');
  expect({ code, stdout, calls: server.requests.length }).toEqual({ code: 1, stdout: '', calls: 3 });
  expect(stderr).toContain('It asks to wait 7 hours');
  server.requests.length = 0;
  refuse = () => limit('Slow down.');
  const { stderr: patient } = await world.loom('tokens', ...orderOf(provider), '--patience', '1s');
  expect(patient).toContain('Slow down. No call was answered for 1 second.');
});

test('a file of defaults says it, and the library takes it in milliseconds', async () => {
  refuse = () => limit('Slow down.');
  await world.write('loom.config.json', JSON.stringify({ run: { patience: '1s' } }));
  expect((await run('openai')).stderr).toContain('No call was answered for 1 second.');
  const options = {
    file: join(world.folder, 'data.csv'),
    col: 'text',
    provider: 'openai',
    model: 'm',
    apiKey: 'a-key-0123',
    baseUrl: server.url,
    home: join(world.folder, 'home'),
  } as const;
  await expect(runSync({ ...options, patienceMs: 1_000 })).rejects.toThrow(
    'No call was answered for 1 second.',
  );
  refuse = longLimits.openai as () => Response;
  await expect(runSync(options)).rejects.toMatchObject({
    name: 'ProviderError',
    scope: 'run',
    status: 429,
    retryAfterMs: 25_170_000,
  });
});

test('a time that is none is a mistake in the command line', async () => {
  const { code, stderr } = await run('openai', '--patience', 'forever');
  expect(code).toBe(2);
  expect(stderr).toContain("option '--patience <time>' argument 'forever' is invalid.");
});
