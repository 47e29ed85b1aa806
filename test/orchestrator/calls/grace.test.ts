import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { abortAfterGrace } from '../../../src/orchestrator/calls/grace.ts';

beforeEach(() => void vi.useFakeTimers());

afterEach(() => void vi.useRealTimers());

test('calls under way are stopped five seconds after the program, for the same reason', () => {
  const stop = new AbortController();
  const grace = abortAfterGrace(stop.signal);
  stop.abort('enough');
  vi.advanceTimersByTime(4_999);
  expect(grace.aborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect(grace.reason).toBe('enough');
});

test('a signal that many runs share gets one listener from them', () => {
  const { signal } = new AbortController();
  for (let run = 0; run < 100; run++) abortAfterGrace(signal);
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
});
