/** The pace of calls: by a clock that nobody sets, and for waits of any length. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ProviderError } from '../../src/errors.ts';
import { createCallQueue } from '../../src/orchestrator/retry.ts';

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
    [5 * 60_000 + 1, 'Not now. It asks to wait 6 minutes, and loom waits for at most 5 minutes.'],
    [60 * 24 * hourMs, 'Not now. It asks to wait 1440 hours, and loom waits for at most 5 minutes.'],
  ])('is the error of the call when it is %i ms; the next call is made at once', async (waitMs, message) => {
    const queue = createCallQueue({ workers: 1, signal: AbortSignal.timeout(4_000) });
    const { calls, call } = refuse(1, status, waitMs);
    await expect(queue.run(call)).rejects.toMatchObject({ scope: 'retry', status, message });
    expect(await queue.run(call)).toBe('answered');
    expect(calls.made).toBe(2);
  });
});
