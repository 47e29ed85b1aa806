/** `--attach`: pictures and documents go with their prompts, byte for byte, and are checked before anything is sent. */
import { hash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { batchProviders, createSandboxWorld, fetchUntilDone, providers } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

/** The first bytes tell a type; the others are anything. */
const makeFile = (start: string, length: number) =>
  Buffer.concat([
    Buffer.from(start, 'latin1'),
    Buffer.from(Array.from({ length }, (_, at) => (at * 7) % 256)),
  ]);
const png = makeFile('\x89PNG\r\n\x1a\n', 1001);
const jpeg = makeFile('\xff\xd8\xff\xe0', 500);
const webp = makeFile('RIFF\x01\x01\x01\x01WEBP', 77);
const gif = makeFile('GIF89a', 20);
const pdf = makeFile('%PDF-1.7\n', 300);

const say = (mediaType: string, bytes: Buffer) =>
  `[${mediaType}, ${bytes.length} bytes, sha256 ${hash('sha256', bytes)}]`;

beforeEach(async () => {
  await world.write('a.png', png);
  await world.write('b.jpeg', jpeg);
  await world.write('paper.pdf', pdf);
  await world.write('data.csv', 'id,text,file\n1,What is this?,a.png\n2,And this?,b.jpeg\n3,Nothing,\n');
});

const order = (...flags: string[]) => ['-f', 'data.csv', '-c', 'text', '-m', 'm', '-o', 'out.csv', ...flags];
const answer = (prompt: string) => `"Sandbox answer from m: ${prompt}"`;
const attached = [
  'id,text,file,llm_response',
  `1,What is this?,a.png,${answer(`What is this?${say('image/png', png)}`)}`,
  `2,And this?,b.jpeg,${answer(`And this?${say('image/jpeg', jpeg)}`)}`,
  '3,Nothing,,Sandbox answer from m: Nothing',
  '',
].join('\n');

test.each(providers)('%s gets the bytes of each file with its prompt, live', async (provider) => {
  const ended = await world.loom('run', '--sync', ...order('-p', provider, '--attach', 'file'));
  expect(ended).toMatchObject({ code: 0 });
  expect(await world.read('out.csv')).toBe(attached);
});

test.each(batchProviders)(
  '%s gets them in a batch, whose answers need no file any more',
  async (provider) => {
    expect(await world.loom('run', ...order('-p', provider, '--attach', 'file'))).toMatchObject({ code: 0 });
    await rm(join(world.folder, 'a.png'));
    expect(await fetchUntilDone(world)).toMatchObject({ code: 0 });
    expect(await world.read('out.csv')).toBe(attached);
    expect(await world.listLeft()).toEqual([]);
  },
);

describe('what a row names', () => {
  const ask = async (rows: readonly object[], ...flags: string[]) => {
    await world.write('data.jsonl', rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const ended = await world.loom(
      'run',
      '--sync',
      '-f',
      'data.jsonl',
      '-m',
      'm',
      '-o',
      'out.jsonl',
      ...flags,
    );
    return { ...ended, answers: ended.code === 0 ? await readAnswers() : [] };
  };
  const readAnswers = async () =>
    (await world.read('out.jsonl'))
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { llm_response: string }).llm_response);

  test('may be several files, addresses and data URIs, on lines of their own', async () => {
    const uri = `data:image/webp;base64,${webp.toString('base64')}`;
    const file = `${join(world.folder, 'paper.pdf')}\n\n${uri}\nhttps://example.com/cat.png`;
    const { answers } = await ask([{ prompt: 'Compare', file }], '-p', 'openai', '--attach', 'file');
    const told = `${say('application/pdf', pdf)}${say('image/webp', webp)}[a file at https://example.com/cat.png]`;
    expect(answers).toEqual([`Sandbox answer from m: Compare${told}`]);
  });

  test('may be made by a template, and the same be asked about each', async () => {
    const rows = [
      { name: 'a', kind: 'png' },
      { name: 'b', kind: 'jpeg' },
    ];
    const flags = ['-p', 'openai', '--prompt', 'Describe it', '--attach', '{{name}}.{{kind}}'];
    expect((await ask(rows, ...flags)).answers).toEqual([
      `Sandbox answer from m: Describe it${say('image/png', png)}`,
      `Sandbox answer from m: Describe it${say('image/jpeg', jpeg)}`,
    ]);
  });

  test('is what a prompt without a placeholder is about: a row without a file is not sent', async () => {
    const flags = ['-p', 'openai', '--prompt', 'Describe it', '--attach', 'file'];
    const { answers, stderr } = await ask([{ file: 'a.png' }, { file: ' ' }, {}], ...flags);
    expect(answers).toEqual([`Sandbox answer from m: Describe it${say('image/png', png)}`, null, null]);
    expect(stderr).toContain('2 empty prompts skipped');
  });

  test('may come from several flags', async () => {
    const rows = [{ prompt: 'Both', one: 'a.png', two: 'b.jpeg' }];
    expect((await ask(rows, '-p', 'openai', '--attach', 'one', '--attach', 'two')).answers).toEqual([
      `Sandbox answer from m: Both${say('image/png', png)}${say('image/jpeg', jpeg)}`,
    ]);
  });

  test.each<[what: string, file: string, flags: string[], says: string]>([
    ['is not there', 'no.png', [], 'row 2: the attachment "no.png" is not there. It is looked for at'],
    ['is a folder', '.', [], 'row 2: the attachment "." can\'t be sent: it is a folder. Name a file.'],
    [
      'is of no known type',
      'data.jsonl',
      [],
      'row 2: the attachment "data.jsonl" is of no type that can be sent. There are PNG, JPEG, WebP, GIF and PDF.',
    ],
    [
      'is of a type that this provider does not take',
      'g.gif',
      ['-p', 'google'],
      'row 2: the attachment "g.gif" is of type image/gif, which Google does not take; nothing was sent. It takes image/png, image/jpeg, image/webp, application/pdf.',
    ],
    [
      'is at an address from which this provider fetches nothing',
      'https://example.com/a.png',
      ['-p', 'google'],
      'row 2: the attachment "https://example.com/a.png" is at an address, from which Google fetches nothing; nothing was sent. Download it, and name the file.',
    ],
    [
      'is no data URI',
      'data:text/plain,hi',
      [],
      'row 2: the attachment "data:text/plain,hi…" is no data URI with base64. Write it as data:image/png;base64,….',
    ],
  ])('that %s is told with its row before anything is sent', async (_what, file, flags, says) => {
    await world.write('g.gif', gif);
    const rows = [
      { prompt: 'One', file: 'a.png' },
      { prompt: 'Two', file },
    ];
    const provider = flags.length > 0 ? [] : ['-p', 'openai'];
    const ended = await ask(rows, '--attach', 'file', ...provider, ...flags);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain(says);
    expect(await world.countCalls(flags.includes('google') ? 'google' : 'openai')).toEqual({});
  });

  test('that is no template is told by its flag', async () => {
    const ended = await ask([{ prompt: 'One', file: 'a.png' }], '-p', 'openai', '--attach', '{{file');
    expect([ended.code, ended.stderr]).toEqual([
      2,
      'Error: --attach: "{{file" does not begin a placeholder. Write a name as {{name}}, and \\{{ for the braces themselves.\n',
    ]);
  });

  test('that no entry or column has is told by its flag', async () => {
    const ended = await ask([{ prompt: 'One', file: 'a.png' }], '-p', 'openai', '--attach', 'fil');
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('no entry has "fil"');
    expect(ended.stderr).toContain('Did you mean "file"?');
  });
});

test('equal files are one by their bytes, and another file is asked about anew', async () => {
  const run = () => world.loom('run', '--sync', ...order('-p', 'openai', '--attach', 'file', '--force'));
  await run();
  await world.write('copy.png', png);
  await world.write('data.csv', 'id,text,file\n1,What is this?,copy.png\n2,And this?,b.jpeg\n3,Nothing,\n');
  expect((await run()).stdout).toContain('(3 prompts, 3 cache hits, 0 errors)');
  await world.write('copy.png', jpeg);
  expect((await run()).stdout).toContain('(3 prompts, 2 cache hits, 0 errors)');
  expect(await world.read('out.csv')).toContain(say('image/jpeg', jpeg));
});

test('a file that is another by the time of the fetch has no answer beside its row', async () => {
  await world.loom('run', ...order('-p', 'openai', '--attach', 'file'));
  await world.write('a.png', jpeg);
  const ended = await fetchUntilDone(world);
  expect(ended.code).toBe(1);
  expect(ended.stderr).toContain('the prompt of row 1 is not the one that was sent');
  await world.write('a.png', png);
  expect(await fetchUntilDone(world)).toMatchObject({ code: 0 });
  expect(await world.read('out.csv')).toBe(attached);
});

test('the same input is pending work until one of its files is another', async () => {
  const submit = () => world.loom('run', ...order('-p', 'openai', '--attach', 'file'));
  await submit();
  expect((await submit()).stdout).toContain('Nothing sent: the same work is pending already');
  await world.write('a.png', makeFile('\x89PNG\r\n\x1a\n', 5));
  expect((await submit()).stdout).toContain('Batch submitted.');
});

test('estimates say that they leave files out', async () => {
  const left =
    'Files that go with prompts are not counted: what a model makes of them differs, and comes on top.\n';
  const flags = ['-f', 'data.csv', '-c', 'text', '-p', 'openai', '-m', 'gpt-4o', '--attach', 'file'];
  expect((await world.loom('run', ...flags, '--dry-run')).stdout).toContain(`  ${left}`);
  expect((await world.loom('tokens', ...flags, '--estimate')).stderr).toContain(left);
  const limited = await world.loom('run', ...flags, '--sync', '--max-cost', '1', '-o', 'out.csv');
  expect(limited.stderr).toContain(`--max-cost: ${left}`);
});

test('a preview shows how large each is in place of its bytes', async () => {
  const ended = await world.loom('run', ...order('-p', 'openai', '--attach', 'file', '--preview'));
  expect(ended.stdout).toContain(`"url": "data:image/png;base64,[${png.length} bytes in base64]"`);
});
