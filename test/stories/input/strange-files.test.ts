/** Files that are not what their name says, or could be read in two ways: one line says what they are and what to do. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { createSandboxWorld } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

const table = 'id,text\n1,Hello\n2,World\n';
const pointer =
  'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n';
const zip = (name: string) =>
  Buffer.concat([Buffer.from('PK\u0003\u0004'), Buffer.alloc(26), Buffer.from(name)]);
const parquet = await readFile(join(import.meta.dirname, '../../data/airports-pyarrow.parquet'));
const request = JSON.stringify({
  custom_id: 'a',
  method: 'POST',
  url: '/v1/chat/completions',
  body: { model: 'm', messages: [{ role: 'user', content: 'Hello' }] },
});
const conversation = JSON.stringify({ messages: [{ role: 'user', content: 'Hello' }] });
const conversationHint = 'These are conversations: pass --messages messages to send them.';
const requestHint =
  'This is a file of batch requests, which loom makes itself: pass the prompts that they were made of.';

test.each<[what: string, name: string, content: string | Buffer, says: string]>([
  ['gzip as CSV', 'a.csv', gzipSync(table), 'this is a gzip file. Add .gz to the end of its name.'],
  ['gzip as JSON', 'a.json', gzipSync('[]'), 'this is a gzip file. Add .gz to the end of its name.'],
  ['gzip as Parquet', 'a.parquet', gzipSync(table), 'this is a gzip file. Add .gz to the end of its name.'],
  ['a zip', 'a.csv', zip('data.csv'), 'this is a zip file. Unpack it, and pass the file that was in it.'],
  [
    'a workbook',
    'a.csv',
    zip('[Content_Types].xml'),
    'this is an Excel or Word file. Open it there and save it as CSV UTF-8.',
  ],
  ['Parquet as CSV', 'a.csv', parquet, 'this is a Parquet file. Give it a name that ends in .parquet.'],
  [
    'Parquet as JSON lines',
    'a.jsonl',
    parquet,
    'this is a Parquet file. Give it a name that ends in .parquet.',
  ],
  ...['a.csv', 'a.tsv', 'a.json', 'a.jsonl', 'a.parquet', 'a.csv.gz'].map(
    (name): [string, string, string, string] => [
      'a pointer of Git LFS',
      name,
      pointer,
      'this is a pointer of Git LFS, and the file itself is not here. Fetch it: git lfs pull',
    ],
  ),
  ['a web page', 'a.csv', '<!DOCTYPE html>\n<html>', 'this is a web page. Download the file itself.'],
  ...['a.csv', 'a.tsv'].map((name): [string, string, string, string] => [
    'a table with lines that end with CR',
    name,
    table.replaceAll('\n', '\r'),
    "its lines end with CR alone, as on old Macs. Convert them to LF: tr '\\r' '\\n' < old > new",
  ]),
  [
    'objects with lines that end with CR',
    'a.jsonl',
    '{"text":"a"}\r{"text":"b"}\r',
    "its lines end with CR alone, as on old Macs. Convert them to LF: tr '\\r' '\\n' < old > new",
  ],
  [
    'batch requests',
    'a.jsonl',
    request,
    `line 1 has no "text"; it has the fields "custom_id", "method", "url", "body". ${requestHint}`,
  ],
  [
    'batch requests in a list',
    'a.json',
    `[${request}]`,
    `entry 1 has no "text"; it has the fields "custom_id", "method", "url", "body". ${requestHint}`,
  ],
  [
    'conversations',
    'a.jsonl',
    conversation,
    `line 1 has no "text"; it has the field "messages". ${conversationHint}`,
  ],
  [
    'a title above the header',
    'a.csv',
    `Reviews of May\n\n${table}`,
    'the header is on line 3, below something else. Remove the lines above it: the first line must name the columns.',
  ],
])('%s under the name %s is told as what it is', async (_, name, content, says) => {
  const path = await world.write(name, content);
  const ended = await world.loom('run', '-f', name, '-c', 'text', '-p', 'openai', '-m', 'm');
  expect(ended).toMatchObject({ code: 1, stdout: '', stderr: `Error: ${path}: ${says}\n` });
});

test.each(['NaN', 'Infinity', '-Infinity'])('%s is told in lines and lists', async (number) => {
  await world.write('a.jsonl', `{"n": ${number}, "text": "a"}\n`);
  await world.write('a.json', `[{"n": ${number}, "text": "a"}]`);
  for (const name of ['a.jsonl', 'a.json']) {
    const ended = await world.loom('run', '-f', name, '-c', 'text', '-p', 'openai', '-m', 'm');
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('JSON has no NaN or Infinity; write null.');
  }
});

describe('what could be meant in two ways is sent, and told once', () => {
  const run = async (name: string, content: string, ...flags: string[]) => {
    await world.write(name, content);
    const ended = await world.loom('run', '-f', name, '-p', 'openai', '-m', 'm', '--sync', ...flags);
    expect(ended.code).toBe(0);
    return ended.stderr;
  };

  test.each([
    ['a.jsonl', `{"messages":"Hello"}\n${conversation}\n${conversation}\n`],
    ['a.json', `[{"messages":"Hello"},${conversation},${conversation}]`],
    [
      'a.tsv',
      `messages\tn\nHello\t1\n${'[{"role":"user","content":"Hi"}]'.replaceAll('"', '""').replace(/.*/, '"$&"\t2\n')}`.repeat(
        1,
      ),
    ],
  ])('conversations in %s', async (name, content) => {
    const told = await run(name, content, '-c', 'messages', '--no-cache');
    expect(told).toMatch(
      /: (1 prompt is a conversation \(a list of messages\), in|2 prompts are conversations \(lists of messages\), the first in) row 2\. Each goes out as it is written, as the text of one user message\.\n/,
    );
    expect(told.match(/conversation/g)).toHaveLength(1);
  });

  test.each([
    ['a.csv', 'id,text\n1,"Hello\n2,World"\n3,x\n', 'row 1 (lines 2 to 3)'],
    ['a.csv', 'id,text\n0,a\n\n1,"He\nsaid, yes\n2,World"\n3,x\n', 'row 2 (lines 4 to 6)'],
    ['a.tsv', 'id\ttext\n1\t"Hello\n2\tWorld"\n', 'row 1 (lines 2 to 3)'],
  ])('a quote in %s that could have swallowed a row: case %#', async (name, content, place) => {
    expect(await run(name, content, '-c', 'text')).toContain(
      `${name}: 1 row goes over several lines, as a quote opens on the first and closes on the last: ${place}. If these are rows of their own, a quote there is a plain character: write it twice, in a cell in quotes.\n`,
    );
  });

  test('a cell of several lines of which none could be a row is told to nobody', async () => {
    expect(await run('a.csv', 'id,text,n\n1,"Hello\nWorld",2\n', '-c', 'text')).not.toContain('lines');
  });
});

test('a Parquet file that is damaged is told in our words', async () => {
  const damaged = Buffer.from(parquet);
  const footerBytes = damaged.readUInt32LE(damaged.length - 8);
  damaged.fill(0xff, damaged.length - 8 - footerBytes, damaged.length - footerBytes);
  const path = await world.write('a.parquet', damaged);
  const ended = await world.loom('run', '-f', 'a.parquet', '-c', 'name', '-p', 'openai', '-m', 'm');
  expect(ended.code).toBe(1);
  expect(ended.stderr).toBe(
    `Error: ${path}: this Parquet file can't be read: it is damaged. Write it again, or convert it to JSONL.\n`,
  );
});
