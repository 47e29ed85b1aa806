import { expect, it } from 'vitest';
import { plainFileId, safeFileId } from '../../src/storage/file-ids.ts';

const usual = [
  'batch_68f1a2b3c4d5e6f708192a3b4c5d6e7f',
  'msgbatch_01HkcTjaV5uDC8jWR4ZsDv8d',
  'batches/abc-12_x.y',
  'c308ef7f-0824-4b3c',
];
const odd = [
  ...[
    'a/b',
    'a_b/',
    'a\\b',
    'a\0b',
    'a:b',
    'a b',
    'a.',
    '.',
    '..',
    '../x',
    '/etc/passwd',
    '-',
    '',
    'batches_a',
  ],
  ...[
    'batches/',
    'batches/a/b',
    'batches\\a',
    'é',
    'e\u0301',
    '\ud800',
    '\udfff',
    '\u202eabc',
    'line\nbreak',
  ],
  ...['x'.repeat(10_000), `${'x'.repeat(10_000)}y`, `${'x'.repeat(60)}/1`, `${'x'.repeat(60)}/2`, '*?<>|"'],
];

it('leaves the name of a usual id as it was', () => {
  for (const id of usual) expect(safeFileId(id)).toBe(id.replace('/', '_'));
});

it('never gives two ids the same name, and gives each a name that any system takes', () => {
  const ids = [...usual, ...odd, ...usual.map(plainFileId), ...odd.map(plainFileId), ...odd.map(safeFileId)];
  const distinct = [...new Set(ids)];
  const names = distinct.map(safeFileId);
  expect(new Set(names).size).toBe(distinct.length);
  for (const name of names) expect(name).toMatch(/^[\w.~-]{1,160}(?<!\.)$/);
});
