/** Sentences at a terminal are broken between words, and never within what is of use only as a whole. */
import { expect, test } from 'vitest';
import { wrapText } from '../../../src/cli/terminal/wrap.ts';

test.each([
  [
    'between words, and goes on indented',
    'Error: --col is required for CSV input; reviews.csv has the columns id, text, stars.',
    'Error: --col is required for\n  CSV input; reviews.csv has\n  the columns id, text, stars.',
  ],
  ['nowhere, where there is room', 'Warning: the cache is full.', 'Warning: the cache is full.'],
  [
    'ahead of an id that has room in a line',
    'Nothing sent: pending as batch_68e5a1b2c3d4e5.',
    'Nothing sent: pending as\n  batch_68e5a1b2c3d4e5.',
  ],
  [
    'not ahead of what has no room in any line',
    'Wrote /home/somebody/reviews/of/last/year/all.csv and more of what there was.',
    'Wrote /home/somebody/reviews/of/last/year/all.csv and more of\n  what there was.',
  ],
  [
    'not within a command and its flags',
    'It is pending: loom fetch --id batch_1 goes on.',
    'It is pending:\n  loom fetch --id batch_1 goes\n  on.',
  ],
  [
    'not within a command of a group',
    'Then replace it by loom keys set openai.',
    'Then replace it by\n  loom keys set openai.',
  ],
  [
    'not within a command of a group and its flags',
    'Remove them: loom cache clear -m gpt-4o.',
    'Remove them:\n  loom cache clear -m gpt-4o.',
  ],
  [
    'not even within a command that has no room in a line',
    'Then loom fetch --id batch_68e5a1b2 --partial, which takes a moment.',
    'Then loom fetch --id batch_68e5a1b2 --partial, which takes a\n  moment.',
  ],
  [
    'not within quotes, nor at an apostrophe',
    "There isn't any column called 'stars of all' in the input.",
    "There isn't any column called\n  'stars of all' in the input.",
  ],
  [
    'not within a path with spaces',
    "can't read /home/me/My Files/my reviews.csv: permission denied.",
    "can't read\n  /home/me/My Files/my reviews.csv:\n  permission denied.",
    36,
  ],
  [
    'not even within such a path that has no room in a line',
    "can't read /home/me/My Files of last year/my reviews.csv: permission denied.",
    "can't read /home/me/My Files of last year/my reviews.csv: permission\n  denied.",
    36,
  ],
  [
    'between two paths',
    'There are /home/me/reviews.csv and /home/me/old/reviews.csv too.',
    'There are /home/me/reviews.csv\n  and /home/me/old/reviews.csv\n  too.',
  ],
  [
    'behind a path that has its end',
    'Of /home/me/some-reviews.csv all rows are in out.csv.',
    'Of /home/me/some-reviews.csv\n  all rows are in out.csv.',
  ],
  [
    'within quotes that have no room in a line',
    "It says 'there is no such model for this key, nor was there ever'.",
    "It says 'there is no such\n  model for this key, nor was\n  there ever'.",
  ],
  [
    'not between a question and its answers',
    'Delete the answers of the cache? [y/N]',
    'Delete the answers of the\n  cache? [y/N]',
  ],
  [
    'below its own indentation',
    '    at a place that is far away from',
    '    at a place that is far\n      away from',
  ],
  [
    'by the room that wide letters and marks take',
    'Note: 日本語 日本語 日本語 cafe\u0301s',
    'Note: 日本語 日本語 日本語\n  cafe\u0301s',
  ],
])('it is broken %s', (_, line, shown, columns = 31) => {
  expect(wrapText(line, columns)).toBe(shown);
});

test('what it goes on with is indented as far as is said', () => {
  expect(wrapText('ok     node        Node.js 20 is too old for this program.', 40, 19)).toBe(
    `ok     node        Node.js 20 is too\n${' '.repeat(19)}old for this\n${' '.repeat(19)}program.`,
  );
});

test('colours and links take no room, and a link stays whole', () => {
  const [open, close] = ['\x1b]8;;file:///a%20folder/of%20mine/all.csv\x1b\\', '\x1b]8;;\x1b\\'];
  expect(wrapText(`\x1b[33mWarning:\x1b[39m the rows are in ${open}of mine/all.csv${close} (two).`, 31)).toBe(
    `\x1b[33mWarning:\x1b[39m the rows are in\n  ${open}of mine/all.csv${close} (two).`,
  );
});
