import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { describeError, describeErrorFields } from '../../../src/cli/words/describe-error.ts';

/** What Node.js throws where a part of the program is to be loaded that an update has removed. */
function failToLoad(): unknown {
  try {
    return createRequire(import.meta.url)('./part-of-yesterday.js');
  } catch (error) {
    return error;
  }
}

test('tells of a part of the program that is gone what happened and what to do, in one line', () => {
  const error = failToLoad();
  const [message, stack] = (error as Error).message.split('\n');
  expect([message, stack]).toEqual(["Cannot find module './part-of-yesterday.js'", 'Require stack:']);
  expect(describeError(error)).toBe(
    `${message}: this program was updated or removed while it ran. Run the same command again.`,
  );
  expect(describeErrorFields(error)).toEqual({ kind: 'unforeseen', code: null, message, hint: null });
});

test('says of any other error that nobody foresaw it', () => {
  expect(describeError(new Error('first\nsecond'))).toBe(
    'first\nsecond (not foreseen by loom: set LOOM_DEBUG=1 to see where, and report it)',
  );
});
