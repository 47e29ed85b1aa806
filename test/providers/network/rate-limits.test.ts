/** When a rate limit ends, and whether it is of a day, in all the forms in which servers say so. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { readRefusal } from '../../../src/providers/protocol/refusal.ts';

const now = Date.parse('2026-11-28T12:00:00Z');
const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

beforeEach(() => void vi.useFakeTimers({ now, toFake: ['Date'] }));

afterEach(() => void vi.useRealTimers());

function readLimit(headers: Record<string, string>, error: object = { message: 'Slow down.' }, status = 429) {
  return readRefusal(status, Object.fromEntries(new Headers(headers)), JSON.stringify({ error })).limit;
}

const requests = (reset: string, remaining = '0') => ({
  'x-ratelimit-remaining-requests': remaining,
  'x-ratelimit-reset-requests': reset,
});

describe('the end of a limit', () => {
  test.each<[string, Record<string, string>, number | undefined]>([
    ['spans', requests('6m0s'), 6 * minute],
    ['spans of days', requests('1d2h'), 26 * hour],
    ['spans with fractions', requests('2m59.56s'), 2 * minute + 59.56 * second],
    ['spans of milliseconds', requests('120ms'), 120],
    ['seconds', requests('33011.38'), 33_011_380],
    ['a moment in milliseconds', requests(String(now + 9 * hour)), 9 * hour],
    ['a moment in seconds', requests(String((now + 9 * hour) / 1_000)), 9 * hour],
    ['a date', requests('2026-11-28T14:00:00Z'), 2 * hour],
    ['no more than a word', requests('tomorrow'), undefined],
    ['a moment that is past', requests('2026-11-28T11:59:00Z'), undefined],
    ['nothing', requests('0'), undefined],
    ['less than nothing', requests('-5'), undefined],
    ['a year', requests('365d'), undefined],
    ['a moment in another century', requests('99999999999999'), undefined],
    ['no number', requests('NaN'), undefined],
    ['an endless number', requests('1e400'), undefined],
    ['a window in which calls remain', requests('11h', '9990'), undefined],
    [
      'the window in which none remain',
      {
        ...requests('23h59m', '9990'),
        'x-ratelimit-remaining-tokens': '0',
        'x-ratelimit-reset-tokens': '6s',
      },
      6 * second,
    ],
    [
      'the last of several windows',
      { ...requests('7h'), 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '6s' },
      7 * hour,
    ],
    [
      'windows of Anthropic',
      {
        'anthropic-ratelimit-requests-remaining': '49',
        'anthropic-ratelimit-requests-reset': '2026-11-29T12:00:00Z',
        'anthropic-ratelimit-input-tokens-remaining': '0',
        'anthropic-ratelimit-input-tokens-reset': '2026-11-28T12:01:30Z',
      },
      90 * second,
    ],
    [
      'windows that are named by day',
      { 'x-ratelimit-remaining-requests-day': '0', 'x-ratelimit-reset-requests-day': '41000' },
      41_000 * second,
    ],
    ['windows of which nothing is said to remain', { 'x-ratelimit-reset-requests': '11h' }, 11 * hour],
    [
      'the invitation to come again, ahead of windows',
      { ...requests('7h'), 'retry-after': '20' },
      20 * second,
    ],
    [
      "the invitation of an upstream that LiteLLM hands on, ahead of that upstream's windows",
      {
        ...requests('6m0s'),
        'llm_provider-retry-after': '1',
        'llm_provider-x-ratelimit-reset-tokens': '6m0s',
      },
      second,
    ],
    [
      'its own invitation ahead of that',
      { 'retry-after': '20', 'llm_provider-retry-after': '1' },
      20 * second,
    ],
    ['an invitation in another century', { 'retry-after': '99999999999' }, undefined],
    ['an invitation in a year', { 'retry-after': String(365 * 86_400) }, undefined],
    ['an invitation by a moment', { 'retry-after': String((now + 2 * hour) / 1_000) }, 2 * hour],
    ['an invitation by a span', { 'retry-after': '2h' }, 2 * hour],
    ['windows, where that invitation is empty', { ...requests('7h'), 'retry-after': '0' }, 7 * hour],
  ])('%s', (_, headers, endsInMs) => {
    expect(readLimit(headers)).toEqual({ endsInMs, isOfDay: false });
  });

  test.each([
    ['Please try again in 6m0s.', 6 * minute],
    ['Please try again in 7m12s. Visit https://example.com/limits to learn more.', 7 * minute + 12 * second],
    ['Please retry in 41.5s.', 41.5 * second],
    ['Try again in 24 hours.', day],
    ['Please wait 2 minutes and 3 seconds.', 2 * minute],
    ['The limit resets in 1 day.', day],
    ['Try again in a moment, or in 2 attempts.', undefined],
  ])('in the words “%s”', (message, endsInMs) => {
    expect(readLimit({}, { message })).toMatchObject({ endsInMs });
  });

  test('in a copy of the headers in the body, as OpenRouter has it, by names of any case', () => {
    const headers = {
      'X-RateLimit-Limit': '50',
      'X-RateLimit-Remaining': '0',
      'X-RateLimit-Reset': String(now + 12 * hour),
    };
    const error = { code: 429, message: 'Rate limit exceeded', metadata: { headers } };
    expect(readLimit({}, error)).toEqual({ endsInMs: 12 * hour, isOfDay: false });
    expect(readLimit({}, { ...error, metadata: { headers: { 'Retry-After': 9 } } })).toMatchObject({
      endsInMs: 9 * second,
    });
  });

  test('is not looked for in other refusals', () => {
    expect(readLimit(requests('7h'), undefined, 500)).toBeUndefined();
    expect(readLimit(requests('7h'), undefined, 529)).toEqual({ endsInMs: 7 * hour, isOfDay: false });
  });
});

describe('a limit is of a day', () => {
  test.each([
    'Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day',
    'Rate limit reached for gpt-4o in organization org-1 on requests per day (RPD): Limit 200, Used 200, Requested 1.',
    'Rate limit reached for model `m` on tokens per day (TPD): Limit 100000, Used 99500. Please try again in 4m19s.',
    'You have reached your daily limit.',
    'daily_limit_exceeded',
    'Monthly quota exceeded.',
  ])('by the words “%s”', (message) => {
    expect(readLimit({}, { message })?.isOfDay).toBe(true);
  });

  test.each([
    'Rate limit exceeded: free-models-per-min. Add 10 credits to unlock 1000 free model requests per day',
    'Rate limit reached for gpt-4o on tokens per min (TPM): Limit 30000. Please try again in 2s.',
    'This request would exceed your rate limit of 50,000 input tokens per minute.',
    'Limits are 15 RPM and 1500 RPD.',
    'Have a nice day, and slow down.',
  ])('but not by the words “%s”', (message) => {
    expect(readLimit({}, { message })?.isOfDay).toBe(false);
  });

  test.each([
    [['GenerateRequestsPerMinutePerProjectPerModel-FreeTier'], false],
    [['GenerateRequestsPerDayPerProjectPerModel-FreeTier'], true],
    [['GenerateContentInputTokensPerModelPerMinute', 'GenerateRequestsPerDayPerProjectPerModel'], true],
  ])('at Google by the names of quotas, whatever it invites to: %j', (quotaIds, isOfDay) => {
    const error = {
      code: 429,
      status: 'RESOURCE_EXHAUSTED',
      message:
        'You exceeded your current quota. Daily limits are at https://example.com.\nPlease retry in 41s.',
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
          violations: quotaIds.map((quotaId) => ({ quotaId })),
        },
        { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '41s' },
      ],
    };
    expect(readLimit({}, error)).toEqual({ endsInMs: 41 * second, isOfDay });
  });

  test('and ends when its window does, not when a call may be tried', () => {
    const headers = { ...requests('7h'), 'retry-after': '20' };
    expect(readLimit(headers, { message: 'On requests per day (RPD).' })).toEqual({
      endsInMs: 7 * hour,
      isOfDay: true,
    });
  });
});
