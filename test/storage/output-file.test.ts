/** How a file gets into its place beside other people's. */
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkOutputPath, renameOverPlaceholder, writeOutputFile } from '../../src/storage/output-file.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loom-place-'));
  path = join(folder, 'out.csv');
});

afterEach(() => rmSync(folder, { recursive: true }));

const read = (name = 'out.csv') => readFileSync(join(folder, name), 'utf8');
const list = () => readdirSync(folder).sort();
const modeOf = (name: string) => (statSync(join(folder, name)).mode & 0o777).toString(8);

describe('new', () => {
  test('is written whole, with the mode that the umask gives, and leaves no draft', async () => {
    await writeOutputFile(path, ['one\n', Buffer.from('two\n')], { placing: 'new' });
    expect(read()).toBe('one\ntwo\n');
    expect(list()).toEqual(['out.csv']);
    expect(modeOf('out.csv')).toBe((0o666 & ~process.umask()).toString(8));
  });

  test('never replaces a file that comes while it is written', async () => {
    const writing = writeOutputFile(path, ['ours\n'], {
      placing: 'new',
      onComplete: async () => writeFileSync(path, 'theirs\n'),
    });
    await expect(writing).rejects.toMatchObject({
      name: 'FileInTheWayError',
      kind: 'output',
      message: `output file ${path} already exists: it was put there meanwhile.`,
      hint: expect.stringContaining('set overwrite'),
    });
    expect(read()).toBe('theirs\n');
    expect(list()).toEqual(['out.csv']);
  });

  test.each([
    ['a folder', () => mkdirSync(path)],
    ['a link', () => symlinkSync('elsewhere', path)],
  ])('nor %s', async (_, put) => {
    const writing = writeOutputFile(path, ['ours\n'], { placing: 'new', onComplete: async () => put() });
    await expect(writing).rejects.toMatchObject({ name: 'FileInTheWayError' });
    expect(list()).toEqual(['out.csv']);
    expect(existsSync(join(folder, 'elsewhere'))).toBe(false);
  });

  test('is made where a link leads that leads nowhere yet', async () => {
    mkdirSync(join(folder, 'deep'));
    symlinkSync(join('deep', 'real.csv'), path);
    await writeOutputFile(path, ['ours\n'], { placing: 'new' });
    expect(readlinkSync(path)).toBe(join('deep', 'real.csv'));
    expect(read('deep/real.csv')).toBe('ours\n');
    expect(readdirSync(join(folder, 'deep'))).toEqual(['real.csv']);
  });

  test('is not there before it is whole', async () => {
    const seen: boolean[] = [];
    await writeOutputFile(path, ['ours\n'], {
      placing: 'new',
      onComplete: async () => void seen.push(existsSync(path)),
    });
    expect(seen).toEqual([false]);
  });

  test('goes without hard links as well: it holds its place by an empty file, and never takes one', async () => {
    const draft = join(folder, 'draft');
    writeFileSync(draft, 'ours\n');
    writeFileSync(path, 'theirs\n');
    await expect(renameOverPlaceholder(draft, path)).rejects.toMatchObject({ name: 'FileInTheWayError' });
    expect([read(), read('draft')]).toEqual(['theirs\n', 'ours\n']);
    rmSync(path);
    await renameOverPlaceholder(draft, path);
    expect(list()).toEqual(['out.csv']);
    expect(read()).toBe('ours\n');
    rmSync(path);
    await expect(renameOverPlaceholder(draft, path)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(list()).toEqual([]);
  });
});

describe('replace', () => {
  test('keeps the mode of the file that was there, and nobody reads the draft who may not read that', async () => {
    writeFileSync(path, 'old\n');
    chmodSync(path, 0o640);
    const modes: string[] = [];
    await writeOutputFile(path, ['new\n'], {
      placing: 'replace',
      onComplete: async (draft) => void modes.push((statSync(draft).mode & 0o777).toString(8)),
    });
    expect(read()).toBe('new\n');
    expect([modes, modeOf('out.csv')]).toEqual([['600'], '640']);
  });

  test.runIf(process.getuid?.() === 0)('keeps its owner and group', async () => {
    writeFileSync(path, 'old\n');
    const { chownSync } = await import('node:fs');
    chownSync(path, 1234, 4321);
    await writeOutputFile(path, ['new\n'], { placing: 'replace' });
    expect(statSync(path)).toMatchObject({ uid: 1234, gid: 4321 });
  });

  test('leaves a link a link, and replaces what it leads to', async () => {
    writeFileSync(join(folder, 'real.csv'), 'old\n');
    symlinkSync('real.csv', path);
    await writeOutputFile(path, ['new\n'], { placing: 'replace' });
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
    expect(read('real.csv')).toBe('new\n');
  });

  test('leaves the old file when the content fails, or the moment before', async () => {
    writeFileSync(path, 'old\n');
    function* failing() {
      yield 'half';
      throw new Error('no more');
    }
    await expect(writeOutputFile(path, failing(), { placing: 'replace' })).rejects.toThrow('no more');
    const onComplete = async () => {
      throw new Error('not now');
    };
    await expect(writeOutputFile(path, ['new\n'], { placing: 'replace', onComplete })).rejects.toThrow(
      'not now',
    );
    expect(read()).toBe('old\n');
    expect(list()).toEqual(['out.csv']);
  });
});

describe('drafts', () => {
  test('are new files: one that is prepared under a name of ours is not followed or filled', async () => {
    writeFileSync(join(folder, 'precious'), 'precious\n');
    symlinkSync('precious', join(folder, '.out.csv.work.tmp'));
    symlinkSync('precious', join(folder, '.out.csv.work.0123456789ab.tmp'));
    await writeOutputFile(path, ['ours\n'], { placing: 'new', workTag: 'work' });
    expect(read('precious')).toBe('precious\n');
    expect(list()).toEqual(['out.csv', 'precious']);
  });

  test('of killed tries of the same work are cleared away, and no others', async () => {
    const others = [
      '.out.csv.other.0123456789ab.tmp',
      '.out.csv.work.backup.tmp',
      '.out.csv.work.0123456789ab.tmp.txt',
    ];
    for (const name of [...others, '.out.csv.work.0123456789ab.tmp', '.out.csv.work.tmp'])
      writeFileSync(join(folder, name), 'left\n');
    await writeOutputFile(path, ['ours\n'], { placing: 'new', workTag: 'work' });
    expect(list()).toEqual([...others, 'out.csv'].sort());
  });

  test('of a name that is as long as names may be are known again', async () => {
    const long = join(folder, `${'x'.repeat(250)}.csv`);
    const killed = writeOutputFile(long, ['a'], {
      placing: 'new',
      workTag: 'work',
      onComplete: async (draft) => {
        writeFileSync(join(folder, 'copied'), draft);
      },
    });
    await killed;
    const draft = read('copied');
    rmSync(long);
    writeFileSync(draft, 'left\n');
    await writeOutputFile(long, ['a'], { placing: 'new', workTag: 'work' });
    expect(existsSync(draft)).toBe(false);
  });
});

test('an output where a link leads is checked where it will be written', async () => {
  symlinkSync(join('nowhere', 'out.csv'), path);
  await expect(checkOutputPath(path)).rejects.toMatchObject({
    message: `the output folder ${join(folder, 'nowhere')} does not exist.`,
  });
  mkdirSync(join(folder, 'nowhere'));
  expect(await checkOutputPath(path)).toBe(false);
  writeFileSync(join(folder, 'nowhere', 'out.csv'), '');
  expect(await checkOutputPath(path)).toBe(true);
});

test('an output that a kill left with its draft as a second name loses that, and no other file goes', async () => {
  writeFileSync(path, 'answers\n');
  linkSync(path, join(folder, '.out.csv.work.0123456789ab.tmp'));
  linkSync(path, join(folder, 'copy.csv'));
  writeFileSync(join(folder, '.out.csv.work.abcdef012345.tmp'), 'another draft\n');
  expect(await checkOutputPath(path)).toBe(true);
  expect(list()).toEqual(['.out.csv.work.abcdef012345.tmp', 'copy.csv', 'out.csv']);
  expect(read()).toBe('answers\n');
});
