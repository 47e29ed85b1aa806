/** A part that the provider can never take has a way out: it is halved until its halves are taken. */
import { describe, expect, test } from 'vitest';
import { type DoubleBatch, promptOf, usualAnswer } from '../worlds/openai-double.ts';
import { output, useOpenAiWorld } from '../worlds/openai-world.ts';

const { world, openai } = useOpenAiWorld();

const prompts = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((letter) => letter.repeat(8));

async function writeData(texts: readonly string[] = prompts): Promise<string> {
  await world.write('data.csv', `text\n${texts.join('\n')}\n`);
  return `text,llm_response\n${texts.map((text) => `${text},${usualAnswer(text)}\n`).join('')}`;
}

const full = (limit: string) =>
  `Enqueued token limit reached for m in organization o. Limit: ${limit} enqueued tokens. Please try again once some in_progress batches have been completed.`;

/** A queue that takes no batch of more rows than these. */
function limitRows(most: number, message: string) {
  openai.onCreate = (batch) => {
    if (batch.lines.length <= most) return;
    batch.status = 'failed';
    batch.errors = [{ code: 'token_limit_exceeded', message }];
  };
}

const sizes = () => openai.batches.map(({ lines }) => lines.length);
const sent = (batches: readonly DoubleBatch[]) => batches.flatMap(({ lines }) => lines.map(promptOf));

describe('a queue that is smaller than one part', () => {
  test('halves it after it has refused it twice with nothing else waiting, until the halves are taken', async () => {
    const merged = await writeData();
    limitRows(2, full('90,000'));
    const run = await world.run('--no-cache');
    const [, id = ''] = /loom fetch --id (\S+) later/.exec(run.stdout) ?? [];
    expect(id).toBe('batch_001');
    const first = await world.loom('fetch', '--id', id);
    const [, job = ''] = /id=(job_\S+) status=queued/.exec(first.stdout) ?? [];
    expect(first).toMatchObject({ code: 0 });
    expect(first.stderr).toBe(`Warning: ${job}: token_limit_exceeded: ${full('90,000')}\n`);
    // The id that the run named is the job's still.
    const second = await world.loom('fetch', '--id', id);
    expect(second.stderr).toContain(`Warning: ${job}: token_limit_exceeded: ${full('90,000')}\n`);
    const third = await world.loom('fetch', '--id', id);
    const why = `token_limit_exceeded: ${full('90,000')}`;
    expect(third.stderr).toContain(
      `Warning: ${job} is more than the provider takes at once: it is sent as two parts, of at most 4 requests. ${why} --batch-size 4 makes such parts from the start.\n`,
    );
    let last = third;
    for (let look = 0; look < 10 && !last.stdout.includes('Fabric complete'); look += 1)
      last = await world.loom('fetch', '--id', id);
    expect(last.code).toBe(0);
    expect(last.stdout).toContain(world.completion(job));
    expect(await world.read(output)).toBe(merged);
    const taken = openai.batches.filter(({ status }) => status === 'completed');
    expect(sent(taken).sort()).toEqual(prompts);
    expect(openai.batches.length).toBeLessThanOrEqual(16);
    expect(await world.listState()).toEqual([]);
  });

  test('halves it before it is sent again where the limit that it names is smaller than the part', async () => {
    const texts = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(4_000));
    const merged = await writeData(texts);
    limitRows(1, full('1,200'));
    await world.run('--no-cache');
    await world.loom('fetch');
    const last = await world.loom('fetch');
    expect(sizes()).toEqual([4, 1, 1, 1, 1]);
    expect(last.code).toBe(0);
    expect(await world.read(output)).toBe(merged);
  });

  test('and so does a wait', async () => {
    const texts = ['a', 'b'].map((letter) => letter.repeat(4_000));
    const merged = await writeData(texts);
    limitRows(1, full('1,200'));
    const { code, stdout, stderr } = await world.run('--no-cache', '--wait', '--interval', '0.1');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Fabric complete\. id=job_\S+ -> /m);
    expect(stderr).toContain(`token_limit_exceeded: ${full('1,200')}`);
    expect(await world.read(output)).toBe(merged);
  });

  test('is waited for while another batch of this home waits there', async () => {
    await writeData();
    const other = await world.submitAs('in_progress', '--no-cache');
    await writeData(['other', 'data']);
    limitRows(0, full('90,000'));
    await world.run('--no-cache');
    for (let look = 0; look < 4; look += 1) await world.loom('fetch');
    expect(sizes()).toEqual([7, 2, 2, 2, 2]);
    const there = openai.batches.find(({ id }) => id === other) as DoubleBatch;
    there.status = 'completed';
    await world.loom('fetch', '--force');
    openai.onCreate = () => {};
    await world.loom('fetch');
    await world.loom('fetch');
    expect(sizes().at(-1)).toBe(2);
  });

  test('refuses a single row in the end, which is told; the others are written with --partial', async () => {
    const texts = ['x'.repeat(9_000), 'short'];
    await writeData(texts);
    limitRows(0, full('1,200'));
    openai.onCreate = (batch) => {
      if (!sent([batch]).includes(texts[0] as string)) return;
      batch.status = 'failed';
      batch.errors = [{ code: 'token_limit_exceeded', message: full('1,200') }];
    };
    await world.run('--no-cache');
    for (let look = 0; look < 3; look += 1) expect((await world.loom('fetch')).code).toBe(0);
    const refused = await world.loom('fetch');
    const [, job = ''] = /(job_\w+)\/1/.exec(refused.stderr) ?? [];
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(
      `OpenAI does not take a single request of ${job}/1: token_limit_exceeded: ${full('1,200')} The others go on; loom fetch --id ${job} --partial writes them without it.`,
    );
    expect((await world.loom('list')).stdout).toMatch(/^- +openai +m +failed /m);
    expect(JSON.parse((await world.loom('list', '--output-format', 'json')).stdout).batches[0]).toMatchObject(
      {
        status: 'failed',
        last_error: `token_limit_exceeded: ${full('1,200')}`,
      },
    );
    expect((await world.loom('fetch')).code).toBe(0);
    expect((await world.loom('fetch', '--id', job, '--partial')).code).toBe(3);
    expect(await world.read(output)).toBe(`text,llm_response\n${texts[0]},\nshort,${usualAnswer('short')}\n`);
  });
});

describe('a file that is too large for the provider', () => {
  const tooLarge = { status: 413, body: { error: { message: 'File is too large.', code: 'too_large' } } };

  test.each(['/v1/files', '/v1/batches'])('is halved at once where %s refuses it', async (place) => {
    const merged = await writeData();
    openai.override = ({ method, path, body }) => {
      if (method !== 'POST' || path !== place) return undefined;
      const rows = place === '/v1/files' ? body.split('"custom_id"').length - 1 : 0;
      const isFirst = openai.requests.filter((request) => request.path === place).length === 1;
      return rows > 4 || (place === '/v1/batches' && isFirst) ? tooLarge : undefined;
    };
    const run = await world.run('--no-cache');
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(/^Job submitted\. id=job_\S+ parts=2 rows=7$/m);
    expect(run.stderr).toContain('--batch-size 4 makes such parts from the start.');
    expect(sizes()).toEqual([4, 3]);
    expect((await world.loom('fetch')).code).toBe(0);
    expect(await world.read(output)).toBe(merged);
    expect(await world.listState()).toEqual([]);
  });

  const manyRows = { code: 'invalid_batch', message: 'The file has more than 3 requests.' };

  test('is halved by the next fetch where its batch was taken and failed for it', async () => {
    const merged = await writeData();
    openai.onCreate = (batch) => {
      if (batch.lines.length <= 3) return;
      Object.assign(batch, { status: 'failed', errors: [manyRows], output: undefined });
    };
    await world.run('--no-cache');
    const first = await world.loom('fetch');
    expect(first.code).toBe(0);
    expect(first.stdout).toMatch(
      /^Checking the loom\.\.\. id=job_\S+ status=queued\n {2}It is more than the provider takes: this part is sent in halves\.\n$/,
    );
    expect(first.stderr).toMatch(/^Warning: job_\w+: invalid_batch: The file has more than 3 requests\.\n$/);
    const second = await world.loom('fetch');
    expect(second.stderr).toContain(
      ' at most 4 requests. invalid_batch: The file has more than 3 requests. ',
    );
    const last = await world.loom('fetch');
    expect(last.code).toBe(0);
    expect(sizes()).toEqual([7, 4, 3, 2, 2]);
    expect(await world.read(output)).toBe(merged);
    expect(await world.listState()).toEqual([]);
  });

  test('is not meant by a batch that failed for what one of its lines holds', async () => {
    await writeData();
    openai.onCreate = (batch) => {
      const error = { code: 'invalid_request', message: 'The body is too large.', line: 2 };
      Object.assign(batch, { status: 'failed', errors: [error], output: undefined });
    };
    await world.run('--no-cache');
    expect((await world.loom('fetch')).code).toBe(1);
    await world.loom('fetch');
    expect(sizes()).toEqual([7]);
  });

  test('is told where it has a single row, and nothing is left of a job that has no other', async () => {
    await writeData(['alone']);
    openai.override = ({ method, path }) =>
      method === 'POST' && path === '/v1/files' ? tooLarge : undefined;
    const { code, stderr } = await world.run('--no-cache');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /Error: OpenAI does not take a single request of job_\w+: too_large: File is too large\. Shorten its prompt, or choose another model\.\n$/,
    );
    expect(await world.listState()).toEqual([]);
  });
});
