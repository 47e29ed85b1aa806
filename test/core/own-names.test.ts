/** What a sweep knows as ours by its whole name. */
import { expect, test } from 'vitest';
import { ownNames } from '../../src/core/own-names.ts';

const digest = '0123456789abcdef01234567';

test.each([
  'job_20260101120000_0123ab',
  `live_${digest}`,
  'anthropic_msgbatch_01',
  'inputs',
  `output_${digest}`,
  `work_${digest}`,
])('the lock on %s is ours, and so is what is written on the way to it', (name) => {
  expect(ownNames.lock.exec(`${name}.7.lock`)?.groups?.owner).toBe(name);
});

test.each(['mine.7.lock', `work_${digest}.lock`, `work_${digest}.7.lock.bak`])('%s is not ours', (name) => {
  expect(ownNames.lock.test(name)).toBe(false);
});
