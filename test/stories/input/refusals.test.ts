/** What is refused is told with what there is, and with what was probably meant. */
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import * as loom from '../../../src/index.ts';
import { builtInNames } from '../../../src/providers/registry.ts';
import { createSandboxWorld } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);
const providers = builtInNames.join(', ');

beforeEach(async () => {
  await world.write('a.csv', 'id;review text;lang\n1;a;en\n');
  await world.write('a.jsonl', '{"id":1,"text":"a","lang":"en"}\n');
});

const columns = 'it has the columns "id", "review text", "lang"';
const fields = 'line 1 has the fields "id", "text", "lang"';

describe('a name that the input does not have', () => {
  test.each([
    [
      'a.csv',
      ['--prompt', 'Rate {{reviewtext}}'],
      `no column "reviewtext"; ${columns}. Did you mean "review text"?`,
    ],
    ['a.csv', ['--prompt', '{{zzzzzz}}'], `no column "zzzzzz"; ${columns}. Name one of these with --prompt.`],
    ['a.csv', ['-c', 'Lagn'], `no column "Lagn"; ${columns}. Did you mean "lang"?`],
    [
      'a.csv',
      ['-c', 'lang', '--row-id', 'key'],
      `no column "key"; ${columns}. Name one of these with --row-id.`,
    ],
    ['a.jsonl', ['--prompt', '{{txet}}'], `no entry has "txet"; ${fields}. Did you mean "text"?`],
    [
      'a.jsonl',
      ['-c', 'text', '--row-id', 'key'],
      `no entry has "key"; ${fields}. Name a field that the entries have with --row-id.`,
    ],
    ['a.jsonl', ['-c', 'text', '--row-id', 'ID'], `no entry has "ID"; ${fields}. Did you mean "id"?`],
  ])('is told with those that it has: %s %j', async (file, flags, message) => {
    const ended = await world.loom('run', file, ...flags, '-p', 'openai', '-m', 'm', '--dry-run');
    expect(ended).toEqual({
      code: 1,
      stdout: '',
      stderr: `Error: ${join(world.folder, file)}: ${message}\n`,
    });
  });
});

describe('a word that a flag does not know', () => {
  test.each([
    ['claude', 'Did you mean anthropic? loom keys list names those there are.'],
    ['opneai', 'Did you mean openai? loom keys list names those there are.'],
    ['zzz', `There are ${providers}; providers.json in the home of loom may describe more.`],
    [
      'sk-proj-0123456789abcdefWXYZ',
      `There are ${providers}; providers.json in the home of loom may describe more.`,
    ],
  ])('is told with the providers that there are: %s', async (name, hint) => {
    const ended = await world.loom('run', '-f', '-', '-c', 'text', '-m', 'm', '-p', name);
    const shown = name.startsWith('sk-') ? '…' : name;
    expect(ended).toEqual({
      code: 2,
      stdout: '',
      stderr: `Error: there is no provider "${shown}". ${hint}\n`,
    });
  });

  test.each([
    [
      ['--format', 'cvs'],
      "'--format <name>' argument 'cvs' is invalid. Allowed choices are csv, tsv, json, jsonl, parquet. Did you mean csv?",
    ],
    [
      ['--format', 'Excel'],
      "'--format <name>' argument 'Excel' is invalid. Allowed choices are csv, tsv, json, jsonl, parquet. Did you mean csv?",
    ],
    [
      ['--format', 'ndjson'],
      "'--format <name>' argument 'ndjson' is invalid. Allowed choices are csv, tsv, json, jsonl, parquet. Did you mean jsonl?",
    ],
  ])('is told with those that it knows: %j', async (flags, message) => {
    const ended = await world.loom('run', '-f', '-', '-c', 'text', '-m', 'm', ...flags);
    expect(ended).toEqual({ code: 2, stdout: '', stderr: `Error: option ${message}\n` });
  });

  test.each([
    ['ansi', 'windows-1252'],
    ['utf16', 'utf-16'],
    ['windows1252', 'windows-1252'],
  ])('is told with what it may be: --encoding %s', async (label, meant) => {
    const ended = await world.loom(
      'run',
      'a.csv',
      '-c',
      'lang',
      '-p',
      'openai',
      '-m',
      'm',
      '--encoding',
      label,
    );
    expect(ended).toEqual({
      code: 2,
      stdout: '',
      stderr: `Error: --encoding: there is no encoding "${label}". Did you mean ${meant}?\n`,
    });
  });
});

test('the library proposes a provider, too', async () => {
  const order = { file: join(world.folder, 'a.csv'), model: 'm', col: 'lang' };
  await expect(loom.runSync({ ...order, provider: 'Gemini' as 'google' })).rejects.toMatchObject({
    message: 'there is no provider "Gemini".',
    hint: `There are ${providers}. Did you mean google?`,
  });
});

test('a file of an unknown kind is told with those that are known', async () => {
  await world.write('a.dat', 'text\na\n');
  const ended = await world.loom('run', 'a.dat', '-c', 'text', '-p', 'openai', '-m', 'm');
  expect(ended).toEqual({
    code: 1,
    stdout: '',
    stderr:
      'Error: unsupported file type: a.dat. Use one of: .json, .json.gz, .jsonl, .jsonl.gz, .ndjson, .ndjson.gz, .csv, .csv.gz, .tsv, .tsv.gz, .parquet.\n',
  });
});
