/** The input between run and fetch: changed, gone, moved; and records that were lost. */
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { promptOf, usualAnswer } from '../worlds/openai-double.ts';
import { data, merged, output, useOpenAiWorld } from '../worlds/openai-world.ts';
import { orderOf } from '../worlds/sandbox-world.ts';

const { world, openai } = useOpenAiWorld();

const hint =
  'Put the submitted file back and fetch again, or merge the rows that still match with --partial; the answers are kept.';

function changed(what: string, path = 'data.csv'): string {
  return `the input ${join(world.folder, path)} has changed since it was submitted: ${what}`;
}

describe('the input changed', () => {
  const three = 'id,text\na,Hello\nb,World\nc,Again\n';

  test.each([
    [
      'one prompt',
      'id,text\na,Hello\nb,Moon\nc,Again\n',
      'the prompt of row 2 is not the one that was sent.',
    ],
    [
      'two prompts changed places',
      'id,text\na,World\nb,Hello\nc,Again\n',
      'the prompt of row 1, 2 is not the one that was sent.',
    ],
    ['a row is gone', 'id,text\na,Hello\nb,World\n', 'it had 3 rows and has 2.'],
    [
      'the first row is gone',
      'id,text\nb,World\nc,Again\n',
      'the prompt of row 1, 2 is not the one that was sent.',
    ],
    ['a row came', `${three}d,New\n`, 'the prompt of row 4 is not the one that was sent.'],
    [
      'a prompt is blanked',
      'id,text\na,Hello\nb,\nc,Again\n',
      'the prompt of row 2 is not the one that was sent.',
    ],
  ])('in that %s: nothing is written, the rows are named, nothing is lost', async (_, content, what) => {
    await world.write('data.csv', three);
    const id = await world.submit();
    await world.write('data.csv', content);
    expect(await world.loom('fetch')).toEqual({
      code: 1,
      stdout: '',
      stderr: `Error: batch ${id}: ${changed(what)} ${hint}\n`,
    });
    expect(await world.listFolder()).toEqual(['data.csv']);
    await world.write('data.csv', three);
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: world.completion(id) });
    expect(openai.batches).toHaveLength(1);
  });

  test.each([
    ['a semicolon', 'id;text\na;Hello\nb;World\nc;Again\n'],
    ['a tab', 'id\ttext\na\tHello\nb\tWorld\nc\tAgain\n'],
    ['a semicolon', 'sep=;\nid;text\na;Hello\nb;World\nc;Again\n'],
  ])('in that %s stands between its cells: the one that it had is named', async (name, content) => {
    await world.write('data.csv', three);
    const id = await world.submit();
    await world.write('data.csv', content);
    const what = `${name} stands between its cells now, and it was a comma.`;
    for (const flags of [[], ['--partial']])
      expect(await world.loom('fetch', ...flags)).toEqual({
        code: 1,
        stdout: '',
        stderr: `Error: batch ${id}: ${changed(what)} Save it with a comma between its cells, or put the submitted file back, and fetch again; the answers are kept.\n`,
      });
    await world.write('data.csv', three);
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: world.completion(id) });
  });

  test('in that a comma stands where a semicolon did', async () => {
    await world.write('data.csv', three.replaceAll(',', ';'));
    const id = await world.submit();
    await world.write('data.csv', three);
    expect((await world.loom('fetch')).stderr).toBe(
      `Error: batch ${id}: ${changed('a comma stands between its cells now, and it was a semicolon.')} Save it with a semicolon between its cells, or put the submitted file back, and fetch again; the answers are kept.\n`,
    );
  });

  test.each([
    [
      'a column is called otherwise',
      'id,prompt\na,Hello\n',
      'no column "text"; it has the columns "id", "prompt".',
    ],
    ['it is empty', '', 'the file is empty.'],
  ])('in that %s: it says so, and no flag that fetch does not have', async (_, content, what) => {
    await world.write('data.csv', three);
    const id = await world.submit();
    await world.write('data.csv', content);
    expect(await world.loom('fetch')).toEqual({
      code: 1,
      stdout: '',
      stderr: `Error: batch ${id}: ${changed(what)} Put the submitted file back, and fetch again; the answers are kept.\n`,
    });
  });

  test('in more rows than are named: five are, and the rest counted', async () => {
    const prompts = (word: string) =>
      Array.from({ length: 8 }, (_, row) => `${row},${word} ${row}\n`).join('');
    await world.write('data.csv', `id,text\n${prompts('Old')}`);
    const id = await world.submit();
    await world.write('data.csv', `id,text\n${prompts('New')}`);
    expect((await world.loom('fetch')).stderr).toBe(
      `Error: batch ${id}: ${changed('the prompt of row 1, 2, 3, 4, 5 and 3 more is not the one that was sent.')} ${hint}\n`,
    );
  });

  test('in JSON: rows are named by their numbers', async () => {
    await world.write('data.json', '[{"id":"x","prompt":"Hello"},{"id":"y","prompt":"World"}]');
    const id = await world.submit('-f', 'data.json');
    await world.write('data.json', '[{"id":"x","prompt":"Hello"},{"id":"y","prompt":"Moon"}]');
    expect((await world.loom('fetch')).stderr).toBe(
      `Error: batch ${id}: ${changed('the prompt of row 2 is not the one that was sent.', 'data.json')} ${hint}\n`,
    );
  });

  test('and is merged with --partial: rows that still match get their answers, no row gets one of another prompt', async () => {
    await world.write('data.csv', three);
    const id = await world.submit();
    await world.write('data.csv', 'id,text\na,Hello\nb,Moon\nc,Again\nd,New\n');
    await world.loom('fetch');
    const partial = await world.loom('fetch', '--id', id, '--partial');
    expect(partial).toMatchObject({ code: 3, stdout: world.completion(id) });
    expect(partial.stderr).toContain('4 rows: 2 answered, 2 failed\n');
    expect(partial.stderr).toContain('2 × changed');
    expect(await world.read(output)).toBe(
      `id,text,llm_response\na,Hello,${usualAnswer('Hello')}\nb,Moon,\nc,Again,${usualAnswer('Again')}\nd,New,\n`,
    );
    // The same command again asks what is new.
    await world.submit();
    expect(openai.batches.at(-1)?.lines.map(promptOf)).toEqual(['Moon', 'New']);
  });

  test('in equal prompts of which one became another', async () => {
    await world.write('data.csv', 'id,text\na,Same\nb,Same\nc,Same\n');
    const id = await world.submit();
    await world.write('data.csv', 'id,text\na,Same\nb,Same\nc,Other\n');
    expect((await world.loom('fetch')).stderr).toContain('the prompt of row 3 is not the one that was sent.');
    await world.loom('fetch', '--id', id, '--partial');
    expect(await world.read(output)).toBe(
      `id,text,llm_response\na,Same,${usualAnswer('Same')}\nb,Same,${usualAnswer('Same')}\nc,Other,\n`,
    );
  });
});

describe('the input is gone', () => {
  test('is an error that names it and --file; everything is kept', async () => {
    const id = await world.submit();
    await rm(join(world.folder, 'data.csv'));
    const told = {
      code: 1,
      stdout: '',
      stderr: `Error: batch ${id}: the input ${join(world.folder, 'data.csv')} is gone. Put it back, or say with --id and --file where it is now; the batch and its answers are kept.\n`,
    };
    expect(await world.loom('fetch')).toEqual(told);
    expect(await world.loom('fetch', '--id', id)).toEqual(told);
    expect(await world.listFolder()).toEqual([]);
    await world.write('data.csv', data);
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: world.completion(id) });
    expect(await world.read(output)).toBe(merged);
  });

  test('because it was moved: --file says where it is now, and the output goes where it would have gone', async () => {
    const id = await world.submit();
    await rename(join(world.folder, 'data.csv'), join(world.folder, 'moved.csv'));
    expect(await world.loom('fetch', '--id', id, '--file', 'moved.csv')).toEqual({
      code: 0,
      stdout: world.completion(id),
      stderr: '2 rows: 2 answered\n',
    });
    expect(await world.read(output)).toBe(merged);
    expect(await world.listFolder()).toEqual([output, 'moved.csv']);
  });

  test.each([
    ['another file', 'other.csv', 'id,text\n1,Moon\n2,World\n', /other\.csv has changed[^\n]* row 1 /],
    ['no file', 'nowhere.csv', undefined, /nowhere\.csv is gone/],
    ['a file of another kind', 'other.json', '[{"prompt":"Hello"}]', /other\.json is not a CSV file/],
    ['a file without the column', 'bare.csv', 'id,words\n1,Hello\n2,World\n', /bare\.csv[^\n]*"text"/],
  ])('and --file names %s: refused, nothing is written or lost', async (_, name, content, says) => {
    const id = await world.submit();
    await rename(join(world.folder, 'data.csv'), join(world.folder, 'moved.csv'));
    if (content !== undefined) await world.write(name, content);
    const told = await world.loom('fetch', '--id', id, '-f', name);
    expect(told).toMatchObject({ code: 1, stdout: '' });
    expect(told.stderr).toMatch(/^Error: [^\n]*\n$/);
    expect(told.stderr).toMatch(says);
    expect(await world.listFolder()).not.toContain(output);
    expect((await world.loom('fetch', '--id', id, '-f', 'moved.csv')).stdout).toBe(world.completion(id));
  });
});

describe('loom adopt', () => {
  const flags = orderOf('openai');

  /** A batch of data.csv of which this home knows nothing any more. */
  async function loseBatch(...more: string[]): Promise<string> {
    const id = await world.submit(...more);
    await rm(join(world.home, '.loom'), { recursive: true });
    return id;
  }

  test('rebuilds the record from the input; a fetch then writes as if nothing had happened', async () => {
    const id = await loseBatch();
    expect(await world.loom('adopt', '--id', id, ...flags)).toEqual({
      code: 0,
      stdout: `Batch adopted. id=${id} provider=openai\nMetadata saved to ~/.loom/batches/. Run loom fetch --id ${id} later.\n`,
      stderr: '',
    });
    expect(await world.readRecord(id)).toMatchObject({
      batch_id: id,
      provider: 'openai',
      model: 'm',
      original_file_path: join(world.folder, 'data.csv'),
      prompt_column: 'text',
      output_path: join(world.folder, output),
    });
    expect((await world.loom('list')).stdout).toContain(id);
    expect(await world.loom('fetch')).toEqual({
      code: 0,
      stdout: world.completion(id),
      stderr: '2 rows: 2 answered\n',
    });
    expect(await world.read(output)).toBe(merged);
    expect(openai.batches).toHaveLength(1);
    expect(await world.listLeft()).toEqual([]);
  });

  test('takes --output, --with-meta, --with-error and --no-cache', async () => {
    const id = await loseBatch('--no-cache');
    const more = ['-o', 'out.csv', '--with-meta', '--with-error', '--no-cache'];
    expect((await world.loom('adopt', '-i', id, ...flags, ...more)).code).toBe(0);
    await world.loom('fetch');
    expect(await world.read('out.csv')).toBe(
      `id,text,llm_response,llm_provider,llm_model,llm_error\n1,Hello,${usualAnswer('Hello')},openai,m,\n2,World,${usualAnswer('World')},openai,m,\n`,
    );
    expect(await world.listState()).toEqual([]);
  });

  test('takes JSON, without --col', async () => {
    await world.write('data.json', '[{"id":"x","prompt":"Hello"},{"prompt":null}]');
    const id = await loseBatch('-f', 'data.json');
    expect((await world.loom('adopt', '-i', id, '-f', 'data.json', '-p', 'openai', '-m', 'm')).code).toBe(0);
    expect((await world.loom('fetch')).stderr).toBe('2 rows: 1 answered, 1 empty prompt skipped\n');
    expect(JSON.parse(await world.read('data_results_openai_m.json'))).toEqual([
      { id: 'x', prompt: 'Hello', llm_response: usualAnswer('Hello') },
      { prompt: null, llm_response: null },
    ]);
  });

  test('of a batch that has a record already is refused, and the record stays', async () => {
    const id = await world.submit();
    const record = await world.readRecord(id);
    const told = await world.loom('adopt', '-i', id, ...flags);
    expect(told).toMatchObject({ code: 1, stdout: '' });
    expect(told.stderr).toMatch(
      new RegExp(`^Error: [^\\n]*${id}[^\\n]*record already[^\\n]*loom fetch[^\\n]*\\n$`),
    );
    expect(await world.readRecord(id)).toEqual(record);
  });

  test('whose record the disk refuses is an error, and no fetch sends the batch again', async () => {
    const id = await loseBatch();
    await mkdir(world.statePath(''));
    await symlink('nowhere', world.statePath('batches'));
    const told = await world.loom('adopt', '-i', id, ...flags);
    expect(told).toMatchObject({ code: 1, stdout: '' });
    expect(told.stderr).toMatch(/^Error: can't create the folder [^\n]*batches[^\n]*\n$/);
    await rm(world.statePath('batches'));
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: world.completion(id) });
    expect(openai.batches).toHaveLength(1);
  });

  test('of a batch that the provider does not know is an error, and leaves nothing behind', async () => {
    const told = await world.loom('adopt', '-i', 'batch_nowhere', ...flags);
    expect(told).toMatchObject({ code: 1, stdout: '' });
    expect(told.stderr).toMatch(/^Error: OpenAI: [^\n]*batch_nowhere[^\n]*\n$/);
    expect(await world.listState()).toEqual([]);
  });

  test('with an input that is not the one: no answer goes to a row that did not ask', async () => {
    const id = await loseBatch();
    await world.write('data.csv', 'id,text\n1,Moon\n2,World\n');
    expect((await world.loom('adopt', '-i', id, ...flags)).code).toBe(0);
    expect((await world.loom('fetch')).stderr).toContain('1 of its results have ids that were not sent.');
    const told = await world.loom('fetch', '--partial');
    expect(told.code).toBe(3);
    expect(told.stderr).toContain('1 result has an id that was not sent');
    expect(await world.read(output)).toBe(`id,text,llm_response\n1,Moon,\n2,World,${usualAnswer('World')}\n`);
  });

  test('at a provider without batches is an error', async () => {
    await mkdir(world.statePath(''), { recursive: true });
    const own = { ours: { base_url: 'http://127.0.0.1:9/v1' } };
    await writeFile(world.statePath('providers.json'), JSON.stringify(own));
    const told = await world.loom('adopt', '-i', 'x', ...flags, '-p', 'ours');
    expect(told).toMatchObject({ code: 1, stdout: '' });
    expect(told.stderr).toBe('Error: ours has no batch API. There is nothing to adopt.\n');
  });

  test('without --id is a usage error', async () => {
    expect(await world.loom('adopt', ...flags)).toMatchObject({ code: 2, stdout: '' });
  });
});
