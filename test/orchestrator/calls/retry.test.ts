/** The pace of calls: by a clock that nobody sets, and for waits of any length. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ProviderError, type RateLimit } from '../../../src/core/errors.ts';
import { createCallQueue } from '../../../src/orchestrator/calls/retry.ts';
import { defaultRetryPolicy } from '../../../src/orchestrator/calls/retry-policy.ts';

const hourMs = 3_600_000;

// Only what the time is, not how it passes.
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));

afterEach(() => void vi.useRealTimers());

/** A call that is refused so many times before it is answered; `onRefusal` comes before each refusal. */
function refuse(times: number, status: number, retryAfterMs: number, onRefusal = () => {}) {
  const calls = { made: 0 };
  const call = async () => {
    calls.made += 1;
    if (calls.made > times) return 'answered';
    onRefusal();
    throw new ProviderError('retry', 'busy', 'Not now.', { status, retryAfterMs });
  };
  return { calls, call };
}

test.each([
  ['back', -hourMs],
  ['forward', hourMs],
])(
  'a clock that is set %s by an hour does not change how long a rate limit is waited out',
  async (_, jumpMs) => {
    const queue = createCallQueue({ workers: 1, signal: AbortSignal.timeout(4_000) });
    const { calls, call } = refuse(2, 429, 1, () => vi.setSystemTime(Date.now() + jumpMs));
    expect(await queue.run(call)).toBe('answered');
    expect(calls.made).toBe(3);
  },
);

describe.each([429, 503])('a wait that is asked for with %i', (status) => {
  test('is waited out when it is of five minutes', async () => {
    const stop = new AbortController();
    const queue = createCallQueue({ workers: 1, signal: stop.signal });
    const { calls, call } = refuse(1, status, 5 * 60_000);
    const running = queue.run(call);
    setTimeout(() => stop.abort(new Error('enough')), 100);
    await expect(running).rejects.toThrow('enough');
    expect(calls.made).toBe(1);
  });

  test.each([
    [5 * 60_000 + 1, '6 minutes (until 2026-03-01 12:05)'],
    [60 * 24 * hourMs, '1440 hours (until 2026-04-30 12:00)'],
  ])('is the error of the call when it is %i ms; the next call is made at once', async (waitMs, end) => {
    vi.setSystemTime(new Date(2026, 2, 1, 12));
    const message = `Not now. It asks to wait ${end}, and loom waits for at most 5 minutes.`;
    const queue = createCallQueue({ workers: 1, signal: AbortSignal.timeout(4_000) });
    const { calls, call } = refuse(1, status, waitMs);
    await expect(queue.run(call)).rejects.toMatchObject({ scope: 'retry', status, message });
    expect(await queue.run(call)).toBe('answered');
    expect(calls.made).toBe(2);
  });
});

describe('under a rate limit', () => {
  const policy = { ...defaultRetryPolicy, firstPauseMs: 1, longestPauseMs: 2 };
  const limited = (limit?: RateLimit) =>
    new ProviderError('retry', 'rate_limit_exceeded', 'Slow down.', { status: 429, limit });

  /** A queue as live runs have it, and the error of each of so many calls, which all are refused. */
  async function refuseAll(calls: number, patienceMs: number, refuse: () => ProviderError) {
    const queue = createCallQueue({
      workers: 8,
      signal: AbortSignal.timeout(20_000),
      policy: { ...policy, patienceMs },
      stopsAtFatal: true,
    });
    const seen = { made: 0, atOnce: 0, mostAtOnce: 0 };
    const call = async () => {
      seen.made += 1;
      seen.atOnce += 1;
      // Those of the first round were under way together when the limit came.
      if (seen.made > 8) seen.mostAtOnce = Math.max(seen.mostAtOnce, seen.atOnce);
      await new Promise((resolve) => setImmediate(resolve));
      seen.atOnce -= 1;
      throw refuse();
    };
    const errors = Array.from({ length: calls }, () => queue.run(call).catch((error: unknown) => error));
    return { errors: (await Promise.all(errors)) as ProviderError[], seen };
  }

  test('one call at a time tries, however many wait, until patience is over: then the run ends', async () => {
    const { errors, seen } = await refuseAll(100, 100, limited);
    expect(seen.made).toBeGreaterThan(8);
    expect(seen.mostAtOnce).toBe(1);
    expect(new Set(errors.map(({ message }) => message))).toEqual(
      new Set(['Slow down. No call was answered for 1 second.']),
    );
    expect(errors[0]).toMatchObject({ scope: 'run', code: 'rate_limit_exceeded', status: 429 });
  });

  test.each<[string, RateLimit, string]>([
    [
      'ends after patience does',
      { endsInMs: 7 * hourMs, isOfDay: false },
      'Slow down. It asks to wait 7 hours (until 2026-03-01 19:00), and loom waits for at most 5 minutes.',
    ],
    [
      'is of a day',
      { endsInMs: undefined, isOfDay: true },
      'Slow down. It is a limit of a day or longer: waiting for minutes is of no use.',
    ],
    [
      'is of a day, and invites to come again soon',
      { endsInMs: 20_000, isOfDay: true },
      'Slow down. It is a limit of a day or longer: waiting for minutes is of no use.',
    ],
    [
      'is of a day, and says when it ends',
      { endsInMs: 7 * hourMs, isOfDay: true },
      'Slow down. It is a limit of a day or longer that lasts for 7 hours (until 2026-03-01 19:00): waiting for minutes is of no use.',
    ],
  ])('the run ends with the first refusal where the limit %s', async (_, limit, message) => {
    vi.setSystemTime(new Date(2026, 2, 1, 12));
    const { errors, seen } = await refuseAll(20, 5 * 60_000, () => limited(limit));
    expect(seen.made).toBe(8);
    expect(new Set(errors.map((error) => error.message))).toEqual(new Set([message]));
  });

  test('an end within patience is waited for', async () => {
    const stop = new AbortController();
    const queue = createCallQueue({ workers: 1, signal: stop.signal, stopsAtFatal: true });
    const calls = { made: 0 };
    const running = queue.run(async () => {
      calls.made += 1;
      setImmediate(() => stop.abort(new Error('enough')));
      throw limited({ endsInMs: 60_000, isOfDay: false });
    });
    await expect(running).rejects.toThrow('enough');
    expect(calls.made).toBe(1);
  });

  test('patience begins anew with an answer, and as many calls as before are made at once in the end', async () => {
    const queue = createCallQueue({ workers: 4, signal: AbortSignal.timeout(20_000), policy });
    let [made, atOnce, mostAtOnce] = [0, 0, 0];
    const call = async () => {
      made += 1;
      const isRefused = made <= 4;
      atOnce += 1;
      mostAtOnce = isRefused ? 0 : Math.max(mostAtOnce, atOnce);
      await new Promise((resolve) => setImmediate(resolve));
      atOnce -= 1;
      if (isRefused) throw limited();
      return 'answered';
    };
    const answers = await Promise.all(Array.from({ length: 40 }, () => queue.run(call)));
    expect(answers).toEqual(Array(40).fill('answered'));
    expect({ made, mostAtOnce }).toEqual({ made: 44, mostAtOnce: 4 });
  });
});
