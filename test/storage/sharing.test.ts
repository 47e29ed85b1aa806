/** Modes of what lies in a cache, by the folder that it is in. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openCache } from '../../src/cache/cache.ts';
import { ensureCacheFolder } from '../../src/cache/cache-folders.ts';
import { describeSharing } from '../../src/storage/sharing.ts';

const octal = (mode: number) => (mode & 0o7777).toString(8);

test.each([
  ['its owner’s alone', 0o700, { group: undefined, file: '600', folder: '700' }],
  ['one that others may look into', 0o755, { group: undefined, file: '600', folder: '700' }],
  ['a group’s', 0o770, { group: 7, file: '660', folder: '2770' }],
  ['a group’s, with the setgid bit', 0o2770, { group: 7, file: '660', folder: '2770' }],
  [
    'one that hands its group on, and lets it write nothing',
    0o2750,
    { group: undefined, file: '600', folder: '700' },
  ],
  ['a group’s that others may look into', 0o2775, { group: 7, file: '660', folder: '2770' }],
  ['everybody’s', 0o777, { group: 7, file: '666', folder: '2777' }],
])('what lies in a folder that is %s', (_, mode, expected) => {
  const { group, fileMode, folderMode } = describeSharing({ mode: mode | 0o40000, gid: 7 });
  expect({ group, file: octal(fileMode), folder: octal(folderMode) }).toEqual(expected);
});

describe.skipIf(process.platform === 'win32')('a cache', () => {
  let root: string;
  let umask: number;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'loom-sharing-'));
    umask = process.umask(0o077);
  });

  afterEach(() => {
    process.umask(umask);
    rmSync(root, { recursive: true });
  });

  /** The modes of all that is in a cache after an answer was put into it. */
  function fill(folder: string): Record<string, string> {
    ensureCacheFolder(folder);
    openCache(folder, 'openai', 'm').set('Hello', { text: 'An answer' });
    const names = ['.', ...readdirSync(folder)].map((name) => [
      name.replace(/^[0-9a-f]{64}/, 'entry'),
      octal(statSync(join(folder, name)).mode),
    ]);
    return Object.fromEntries(names);
  }

  const alone = { '.': '700', 'entry.json': '600', 'loom-cache.json': '600', tmp: '700' };
  const shared = { '.': '2770', 'entry.json': '660', 'loom-cache.json': '660', tmp: '2770' };

  test('that loom makes is its owner’s alone', () => {
    expect(fill(join(root, 'answers'))).toEqual(alone);
  });

  test('that is shared has files for the group, whatever the umask is', () => {
    const folder = join(root, 'answers');
    mkdirSync(folder);
    chmodSync(folder, 0o2770);
    expect(fill(folder)).toEqual(shared);
  });

  test('that its owner shares later lets the others in with the next answer', () => {
    const folder = join(root, 'answers');
    expect(fill(folder)).toEqual(alone);
    chmodSync(folder, 0o2770);
    expect(fill(folder)).toMatchObject({ tmp: '2770', 'entry.json': '660' });
  });

  test('that loom makes below a folder that hands its group on is shared like that one', () => {
    chmodSync(root, 0o2770);
    expect(fill(join(root, 'team', 'answers'))).toEqual(shared);
    expect(octal(statSync(join(root, 'team')).mode)).toBe('2770');
  });

  test('that loom makes below one that everybody may write to is its owner’s alone', () => {
    chmodSync(root, 0o1777);
    expect(fill(join(root, 'answers'))).toEqual(alone);
  });
});
