/** Requests that are exported, answered elsewhere, and whose results are imported. */
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import { createWorld } from '../../program.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(() => createWorld());
const order = ['-f', 'data.csv', '-c', 'text', '-p', 'openai', '-m', 'qwen'];

interface Line {
  readonly custom_id: string;
  readonly body: { readonly messages: readonly { readonly content: string }[] };
}

async function readRequests(name = 'data_requests_openai_qwen.jsonl'): Promise<Line[]> {
  const text = await world.read(name);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** A line as `vllm run-batch` writes it. */
function answer({ custom_id, body }: Line) {
  const content = `re: ${body.messages.at(-1)?.content}`;
  const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }];
  return {
    id: `vllm-${custom_id}`,
    custom_id,
    response: { status_code: 200, request_id: 'r', body: { id: 'c', object: 'chat.completion', choices } },
    error: null,
  };
}

const jsonl = (lines: readonly object[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('');

beforeEach(() => world.write('data.csv', 'id,text\n1,Hello\n2,\n3,World\n4,Hello\n'));

test('requests are written in the form of the provider, without a key, and nothing is kept of them', async () => {
  expect(await world.loom('export', ...order, '--max-tokens', '9')).toEqual({
    code: 0,
    stdout: `Requests written. data.csv -> ${world.folder}/data_requests_openai_qwen.jsonl (2 requests)\n`,
    stderr:
      'Skipped 1 row without a prompt.\nloom import, with the same input, prompt and rows, merges the results when they are there.\n',
  });
  expect(await readRequests()).toEqual(
    ['Hello', 'World'].map((content, index) => ({
      custom_id: expect.stringMatching(new RegExp(`^row-${index * 2}-[0-9a-f]{8}-[0-9a-f]{8}$`)),
      method: 'POST',
      url: '/v1/chat/completions',
      body: { model: 'qwen', messages: [{ role: 'user', content }], max_completion_tokens: 9 },
    })),
  );
  expect(await world.listLeft()).toEqual([]);
});

test('results are merged by their custom ids, in any order, and go into the cache', async () => {
  await world.loom('export', ...order);
  const lines = (await readRequests()).map(answer).reverse();
  await world.write('results.jsonl', jsonl(lines));
  expect(await world.loom('import', 'results.jsonl', ...order, '-o', 'out.csv')).toMatchObject({
    code: 0,
    stdout: `Done. wrote ${world.folder}/out.csv (4 prompts, 0 cache hits, 0 errors)\n`,
  });
  expect(await world.read('out.csv')).toBe(
    'id,text,llm_response\n1,Hello,re: Hello\n2,,\n3,World,re: World\n4,Hello,re: Hello\n',
  );
  expect(await world.loom('export', ...order, '-o', 'again.jsonl')).toMatchObject({
    code: 1,
    stderr: `Error: every row of ${world.folder}/data.csv has its answer in the cache. loom run writes the output at once. To export all of them all the same, pass --no-cache.\n`,
  });
  expect(await world.listLeft()).toEqual([]);
});

test('results that came in pieces are one, and a row without one has failed', async () => {
  await world.loom('export', ...order);
  const [first, second] = (await readRequests()).map(answer);
  await world.write('one.jsonl.gz', gzipSync(jsonl([first as object])));
  const refused = {
    ...second,
    response: null,
    error: { code: 'too_long', message: 'The prompt is too long.' },
  };
  await world.write('two.jsonl', jsonl([refused]));
  const ended = await world.loom('import', 'one.jsonl.gz', 'two.jsonl', ...order, '-o', 'out.csv');
  expect(ended.code).toBe(3);
  expect(ended.stderr).toContain('The prompt is too long.');
  expect(await world.read('out.csv')).toBe(
    'id,text,llm_response\n1,Hello,re: Hello\n2,,\n3,World,\n4,Hello,re: Hello\n',
  );
  const some = await world.loom('import', 'one.jsonl.gz', ...order, '-o', 'some.csv', '--no-cache');
  expect(some.code).toBe(3);
});

test('only what the cache does not answer is exported, and the cache gives its part at the import', async () => {
  await world.loom('export', ...order, '--limit', '1', '-o', 'first.jsonl');
  await world.write('first.out', jsonl((await readRequests('first.jsonl')).map(answer)));
  await world.loom('import', 'first.out', ...order, '--limit', '1', '-o', 'first.csv');
  const exported = await world.loom('export', ...order);
  expect(exported.stderr).toContain(
    'Rows with their answer in the cache: 1; only the others are in the file.\n',
  );
  const requests = await readRequests();
  expect(requests).toHaveLength(1);
  await world.write('rest.jsonl', jsonl(requests.map(answer)));
  expect(await world.loom('import', 'rest.jsonl', ...order, '-o', 'out.csv')).toMatchObject({
    code: 0,
    stdout: `Done. wrote ${world.folder}/out.csv (4 prompts, 1 cache hits, 0 errors)\n`,
  });
});

describe('nothing is written', () => {
  const importTo = async (lines: string) => {
    await world.write('results.jsonl', lines);
    const ended = await world.loom('import', 'results.jsonl', ...order, '-o', 'out.csv');
    expect(await world.listFolder()).not.toContain('out.csv');
    expect(await world.listLeft()).toEqual([]);
    return ended;
  };

  test('of results of another input', async () => {
    await world.write('other.csv', 'id,text\n1,Else\n');
    await world.loom('export', 'other.csv', '-c', 'text', '-p', 'openai', '-m', 'qwen', '-o', 'r.jsonl');
    const ended = await importTo(jsonl((await readRequests('r.jsonl')).map(answer)));
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toBe(
      `Error: no result in "${world.folder}/results.jsonl" is of a row of ${world.folder}/data.csv. Give the file, the column or --prompt, and the --limit or --sample that the requests were exported with.\n`,
    );
  });

  test.each([
    ['the requests themselves', async () => world.read('data_requests_openai_qwen.jsonl')],
    ['no JSON', async () => 'hello\nworld\n'],
    ['nothing', async () => ''],
  ])('of a file that holds %s', async (_, content) => {
    await world.loom('export', ...order);
    const ended = await importTo(await content());
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toMatch(/^Error: .+\.\n$/);
  });
});

describe('results of another question', () => {
  test.each([
    ['another model', ['-m', 'gpt-5']],
    ['other settings', ['--system', 'Translate.']],
    ['another provider', ['-p', 'alibaba']],
  ])('are refused: of %s', async (_, flags) => {
    await world.loom('export', ...order);
    await world.write('results.jsonl', jsonl((await readRequests()).map(answer)));
    const ended = await world.loom('import', 'results.jsonl', ...order, ...flags, '-o', 'out.csv');
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toBe(
      `Error: the results in "${world.folder}/results.jsonl" are of another model, or of other settings. Give the provider, the model and the settings that the requests were exported with.\n`,
    );
    expect(await world.listFolder()).not.toContain('out.csv');
  });

  test('are left out and counted beside those that fit', async () => {
    await world.loom('export', ...order, '-m', 'gpt-5', '-o', 'other.jsonl');
    await world.loom('export', ...order);
    const [first] = (await readRequests()).map(answer);
    const [, other] = (await readRequests('other.jsonl')).map(answer);
    await world.write('results.jsonl', jsonl([first as object, other as object]));
    const ended = await world.loom('import', 'results.jsonl', ...order, '-o', 'out.csv');
    expect(ended.code).toBe(3);
    expect(ended.stderr).toContain('Warning: 1 result has an id that was not sent; it is ignored.\n');
    expect(await world.read('out.csv')).toBe(
      'id,text,llm_response\n1,Hello,re: Hello\n2,,\n3,World,\n4,Hello,re: Hello\n',
    );
  });

  test('are taken where they do not say what was asked, and not kept as answers of anything', async () => {
    await world.loom('export', ...order);
    const lines = (await readRequests()).map(answer);
    const unmarked = lines.map((line) => ({ ...line, custom_id: line.custom_id.slice(0, -9) }));
    await world.write('results.jsonl', jsonl(unmarked));
    expect(await world.loom('import', 'results.jsonl', ...order, '-o', 'out.csv')).toMatchObject({ code: 0 });
    expect(await world.listState('cache')).toEqual([]);
  });
});

test('no output takes the place of what it comes from', async () => {
  expect(await world.loom('export', ...order, '-o', 'data.csv', '--force')).toMatchObject({
    code: 2,
    stderr: `Error: the output ${world.folder}/data.csv is the input. Choose another output.\n`,
  });
  await world.write('results.csv', '{}\n');
  expect(await world.loom('import', 'results.csv', ...order, '-o', 'results.csv', '--force')).toMatchObject({
    code: 2,
    stderr: `Error: the output ${world.folder}/results.csv is a file of results. Choose another output.\n`,
  });
});

test('a file of results that is not there is told of as that', async () => {
  expect(await world.loom('import', 'results.jsonl', ...order)).toEqual({
    code: 1,
    stdout: '',
    stderr: `Error: there is no file of results ${world.folder}/results.jsonl. Give the paths of files of results.\n`,
  });
});

test('a result that was not asked for is left out and told of', async () => {
  await world.loom('export', ...order);
  const lines = (await readRequests()).map(answer);
  await world.write(
    'results.jsonl',
    jsonl([...lines, { ...lines[0], custom_id: `row-9-00000000${lines[0]?.custom_id.slice(-9)}` }]),
  );
  const ended = await world.loom('import', 'results.jsonl', ...order, '-o', 'out.csv');
  expect(ended.code).toBe(0);
  expect(ended.stderr).toContain('Warning: 1 result has an id that was not sent; it is ignored.\n');
});

test('who gives no lines of results is told of as that', async () => {
  const ended = await world.loom('export', ...order, '-p', 'openrouter', '-m', 'openai/gpt-4o-mini');
  expect(ended.stderr).toContain(
    'The results of this provider are no lines of a file: loom import can not merge them.',
  );
});

test('Anthropic takes one object, and its results are lines', async () => {
  const claude = ['-f', 'data.csv', '-c', 'text', '-p', 'anthropic', '-m', 'claude-haiku-4-5'];
  await world.loom('export', ...claude);
  const { requests } = JSON.parse(await world.read('data_requests_anthropic_claude-haiku-4-5.json'));
  const results = requests.map(({ custom_id }: Line) => ({
    custom_id,
    result: {
      type: 'succeeded',
      message: { role: 'assistant', content: [{ type: 'text', text: 'Yes' }], stop_reason: 'end_turn' },
    },
  }));
  await world.write('results.jsonl', jsonl(results));
  expect(await world.loom('import', 'results.jsonl', ...claude, '-o', 'out.csv')).toMatchObject({ code: 0 });
  expect(await world.read('out.csv')).toBe(
    'id,text,llm_response\n1,Hello,Yes\n2,,\n3,World,Yes\n4,Hello,Yes\n',
  );
});
