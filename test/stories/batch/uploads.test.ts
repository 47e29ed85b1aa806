/** Uploads are deleted at the provider as soon as their batch is over, however it ended, and never before. */
import { describe, expect, test } from 'vitest';
import { forgetDocumentSchema } from '../../../src/index.ts';
import { refusal } from '../worlds/http-server.ts';
import { lastBatch, useOpenAiWorld } from '../worlds/openai-world.ts';
import { batchProviders, createSandboxWorld, submittedId } from '../worlds/sandbox-world.ts';

const withUploads = batchProviders.filter((name) => name !== 'anthropic');

describe.each(withUploads)('at %s', (provider) => {
  test.each(['completed', 'failed', 'expired', 'cancelled'] as const)(
    'a batch that is %s has none any more, but with --keep',
    async (end) => {
      const world = await createSandboxWorld({ turnaroundMs: 0, faults: { batches: [{ end }] } });
      try {
        await world.write('data.csv', 'id,text\n1,Hello\n2,World\n');
        const run = ['run', '-f', 'data.csv', '-c', 'text', '-p', provider, '-m', 'm', '--no-cache'];
        submittedId(await world.loom(...run, '-o', 'kept.csv'));
        await world.loom('fetch', '--keep');
        expect((await world.countCalls(provider)).deleteFile ?? 0).toBe(0);
        submittedId(await world.loom(...run, '-o', 'gone.csv'));
        await world.loom('fetch');
        expect((await world.countCalls(provider)).deleteFile).toBe(1);
      } finally {
        await world.remove();
      }
    },
  );
});

describe('loom forget', () => {
  const { world } = useOpenAiWorld();

  test('deletes the upload of a batch that is over, not of one that may still run', async () => {
    const kept = await world.submit();
    await world.loom('fetch', '--keep');
    const running = await world.submitAs('in_progress', '--no-cache', '-o', 'b.csv');
    expect((await world.loom('forget', '--yes', '--id', kept, running)).code).toBe(0);
    expect(world.openai.deletedFiles).toEqual([world.openai.batches[0]?.creation.input_file_id]);
  });

  const refuse = () => {
    world.openai.override = () => refusal(400, 'Not now.');
  };
  const dropKey = () => Object.assign(world.environment, { OPENAI_API_KEY: '', OPENAI_BASE_URL: '' });

  test.each([
    ['the provider refuses', refuse, 'OpenAI: Not now.'],
    ['there is no key', dropKey, 'OPENAI_API_KEY'],
  ])('forgets all the same when %s, and names the file', async (_, spoil, why) => {
    const id = await world.submit();
    await world.loom('fetch', '--keep');
    spoil();
    const ended = await world.loom('forget', '--id', id, '--output-format', 'json');
    const fileId = lastBatch(world.openai).creation.input_file_id;
    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain(
      `Warning: the upload ${fileId} of ${id} is still at OpenAI, where it expires by itself: `,
    );
    expect(ended.stderr).toContain(why);
    const document = JSON.parse(ended.stdout);
    expect(forgetDocumentSchema.parse(document)).toEqual(document);
    expect(document).toMatchObject({ forgotten: [id], uploads_left: [{ id, file_id: fileId }] });
  });
});
