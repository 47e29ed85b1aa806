/** Servers that speak OpenAI's batches with an accent, from the run to the output. */
import { expect, test } from 'vitest';
import { refusal } from '../worlds/http-server.ts';
import { merged, output, useOpenAiWorld } from '../worlds/openai-world.ts';

const { world, openai } = useOpenAiWorld();

interface Line {
  readonly custom_id: string;
  readonly response: { readonly body: object };
}

/** Each line of a file of results, changed. */
function rewriteLines(file: string, change: (line: Line) => object): string {
  const lines = file.split('\n').filter((line) => line !== '');
  return lines.map((line) => `${JSON.stringify(change(JSON.parse(line)))}\n`).join('');
}

test('a server as OGX is: answers as text of JSON, and a file of errors without a line', async () => {
  openai.onCreate = (batch) => {
    batch.output = rewriteLines(batch.output ?? '', ({ response, ...line }) => ({
      ...line,
      response: {
        status_code: 200,
        request_id: 'req_1',
        body: JSON.stringify(response.body),
      },
    }));
    batch.errorOutput = '';
  };
  const id = await world.submit();
  expect(await world.loom('fetch')).toEqual({
    code: 0,
    stdout: world.completion(id),
    stderr: '2 rows: 2 answered\n',
  });
  expect(await world.read(output)).toBe(merged);
});

test('metadata that is refused, and a creation whose reply is lost: the batch is found by its file, and made once', async () => {
  openai.override = (request) => {
    if (request.method !== 'POST' || request.path !== '/v1/batches') return undefined;
    if ('metadata' in JSON.parse(request.body)) return refusal(400, 'Unknown parameter: metadata.');
    openai.answer(request);
    return refusal(502, 'Bad gateway.');
  };
  const id = await world.submit();
  expect(openai.batches.map((batch) => [batch.id, batch.creation.metadata])).toEqual([[id, undefined]]);
  expect((await world.loom('fetch')).stdout).toBe(world.completion(id));
  expect(await world.read(output)).toBe(merged);
});

test('a list that tells neither tag nor file settles nothing: nothing is sent again', async () => {
  let isLost = true;
  openai.override = (request) => {
    if (request.path !== '/v1/batches') return undefined;
    const { body } = openai.answer(request);
    if (request.method === 'POST') return isLost ? refusal(502, 'Bad gateway.') : { body };
    const { data } = body as { data: { id: string }[] };
    return { body: { jobs: data.map(({ id }) => ({ job: { id } })) } };
  };
  const ended = await world.run();
  expect(ended).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(
      "the look-up failed (The provider's list of batches does not say of each what it was made of).",
    ),
  });
  isLost = false;
  expect((await world.loom('fetch')).code).toBe(1);
  expect(openai.batches).toHaveLength(1);
});

test('answers of which none can be read: batch and upload are kept, however late, until they can be', async () => {
  const known: (string | undefined)[] = [];
  openai.onCreate = (batch) => {
    known.push(batch.output);
    batch.output = rewriteLines(batch.output ?? '', ({ custom_id }) => ({
      custom_id,
      response: { status_code: 200, body: { text: 'In a form that nobody knows.' } },
    }));
  };
  const id = await world.submit();
  const told = {
    code: 1,
    stdout: '',
    stderr: `Error: batch ${id}: of 2 rows that were sent 2 have an answer that can't be read, and none has one that can; the batch and its upload are kept. The provider's answer can't be read: it holds no answer in a known form. It begins: {"status_code":200,"body":{"text":"In a form that nobody knows."}} A later version of loom may read them: loom fetch --id ${id} asks for them again, and with --partial it writes the rows as failed and forgets the batch.\n`,
  };
  expect(await world.loom('fetch')).toEqual(told);
  const [record = ''] = await world.listState('batches');
  await world.changeState<{ ended_at: string }>(record, (content) => {
    content.ended_at = new Date(Date.now() - 25 * 3_600_000).toISOString();
  });
  expect(await world.loom('fetch')).toEqual(told);
  expect(openai.deletedFiles).toEqual([]);
  expect(await world.listFolder()).toEqual(['data.csv']);

  // A version that can.
  for (const batch of openai.batches) batch.output = known[0];
  expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: world.completion(id) });
  expect(await world.read(output)).toBe(merged);
  expect(openai.deletedFiles).toHaveLength(1);
});

test('an answer that can not be read beside one that can is a row that failed', async () => {
  openai.onCreate = (batch) => {
    let lines = 0;
    batch.output = rewriteLines(batch.output ?? '', (line) =>
      lines++ === 0 ? { custom_id: line.custom_id, response: { status_code: 200, body: 'No JSON.' } } : line,
    );
  };
  await world.submit();
  expect((await world.loom('fetch')).code).toBe(3);
  expect(JSON.parse(await world.read(`${output}.errors.jsonl`))).toMatchObject({
    kind: 'unreadable',
    message:
      'The provider\'s answer can\'t be read: it holds no answer in a known form. It begins: {"status_code":200,"body":"No JSON."}',
  });
});
