import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { openAsBlob } from 'node:fs';
import { open as openFile, readdir, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { type StoredBatch, standingOf } from '../../src/sandbox/engine/standing.ts';
import {
  anthropicClient,
  anthropicRequest,
  open,
  openaiBatch,
  openaiClient,
  openaiEnd,
  openaiLine,
  temporaryFolder,
  thrown,
  until,
} from './rehearsal.ts';

const sources = new URL('../../src/sandbox/', import.meta.url);

test('the front page says what this is, and where each API is', async () => {
  const sandbox = await open();
  const page = await (await fetch(sandbox.origin)).text();
  expect(page).toMatch(
    /^This is the loom-batch sandbox: a stand-in for the APIs of OpenAI, Anthropic, Google Gemini/,
  );
  for (const url of Object.values(sandbox.baseUrls)) expect(page).toContain(url);
  expect((await fetch(`${sandbox.origin}/elsewhere`)).status).toBe(404);
});

test('the server listens on the loopback address only, on a port of its own or on the one given', async () => {
  const sandbox = await open();
  expect(sandbox.origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const port = Number(new URL(sandbox.origin).port);
  await expect(open({ port })).rejects.toThrow(/EADDRINUSE/);
});

test("an unknown address is refused in the vendor's form, after the body has been read", async () => {
  const sandbox = await open();
  const body = 'x'.repeat(3_000_000);
  const answer = await fetch(`${sandbox.baseUrls.anthropic}/v1/fun`, { method: 'POST', body });
  expect([answer.status, await answer.json()]).toMatchObject([
    404,
    { type: 'error', error: { type: 'not_found_error' } },
  ]);
});

test('a live call with too large a body is refused', async () => {
  const client = anthropicClient(await open());
  const messages = [{ role: 'user' as const, content: 'x'.repeat(32_000_000) }];
  const error = await thrown(client.messages.create({ model: 'm', max_tokens: 1, messages }));
  expect(error).toMatchObject({ status: 413, type: 'request_too_large' });
});

test('statistics tell calls, answers, batches and how often each prompt was answered', async () => {
  const sandbox = await open({ countPrompts: true });
  const client = openaiClient(sandbox);
  const ask = (content: string) =>
    client.chat.completions.create({ model: 'm', messages: [{ role: 'user', content }] });
  await ask('one');
  await ask('one');
  await thrown(ask('[[sandbox:error 500]]'));
  const lines = ['a', 'b'].map((id) => openaiLine(id, 'one'));
  await openaiEnd(client, (await openaiBatch(client, lines)).id);
  const report = (await (await fetch(`${sandbox.origin}/sandbox/stats`)).json()) as {
    vendors: Record<string, object>;
    prompts: object;
  };
  expect(report.vendors.openai).toMatchObject({
    calls: { generate: 3, uploadFile: 1, createBatch: 1 },
    statuses: { 500: 1 },
    answered: 2,
    batches: 1,
    batchRows: 2,
  });
  const hash = createHash('sha256').update('one').digest('hex').slice(0, 16);
  expect(report.prompts).toEqual({ [hash]: { live: 2, batch: 2 } });
  const quiet = await (await fetch(`${(await open()).origin}/sandbox/stats`)).json();
  expect('prompts' in (quiet as object)).toBe(false);
});

test('two sandboxes over one folder can work at the same time', async () => {
  const dir = await temporaryFolder();
  const clients = [openaiClient(await open({ dir })), openaiClient(await open({ dir }))];
  const created = await Promise.all(
    Array.from({ length: 20 }, (_, batch) =>
      openaiBatch(clients[batch % 2] as never, [openaiLine('a', 'x')]),
    ),
  );
  for (const client of clients) {
    const listed = [];
    for await (const { id } of client.batches.list({ limit: 7 })) listed.push(id);
    expect(listed.sort()).toEqual(created.map(({ id }) => id).sort());
  }
});

// Windows has no such modes.
test.skipIf(process.platform === 'win32')(
  'files are for their owner only, and nothing half-written is left',
  async () => {
    const dir = join(await temporaryFolder(), 'not', 'there', 'yet');
    const sandbox = await open({ dir });
    await openaiBatch(openaiClient(sandbox), [openaiLine('a', 'x')]);
    await anthropicClient(sandbox).messages.batches.create({ requests: [anthropicRequest('a', 'x')] });
    for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
      const { mode } = await stat(join(entry.parentPath, entry.name));
      expect([entry.name, mode & 0o777]).toEqual([entry.name, entry.isDirectory() ? 0o700 : 0o600]);
      expect(entry.name).not.toMatch(/\.part$/);
    }
  },
);

test('an upload that the client gives up leaves nothing behind', async () => {
  const dir = await temporaryFolder();
  const sandbox = await open({ dir });
  const socket = connect(Number(new URL(sandbox.origin).port), '127.0.0.1');
  await once(socket, 'connect');
  const head = 'host: x\r\nx-api-key: k\r\nanthropic-version: 2026-10-21\r\ncontent-length: 99999';
  socket.write(`POST /anthropic/v1/messages/batches HTTP/1.1\r\n${head}\r\n\r\n{"requests":[`);
  const files = () => readdir(join(dir, 'anthropic/batches')).catch(() => []);
  await until(files, (names) => names.length === 1);
  socket.destroy();
  await until(files, (names) => names.length === 0);
});

test('close ends at once, with connections open and answers under way', async () => {
  const sandbox = await open({ latencyMs: 60_000 });
  const call = thrown(
    openaiClient(sandbox).chat.completions.create({ model: 'm', messages: [{ role: 'user', content: 'x' }] }),
  );
  const socket = connect(Number(new URL(sandbox.origin).port), '127.0.0.1');
  await once(socket, 'connect');
  const cut = once(socket, 'close');
  await until(
    async () => (await (await fetch(`${sandbox.origin}/sandbox/stats`)).json()) as object,
    (report) => JSON.stringify(report).includes('"generate":1'),
  );
  const started = performance.now();
  await sandbox.close();
  expect(performance.now() - started).toBeLessThan(5000);
  expect((await call).constructor.name).toBe('APIConnectionError');
  await cut;
});

test('what is older than a week is cleared away at the start', async () => {
  const dir = await temporaryFolder();
  const sandbox = await open({ dir });
  const { id } = await openaiBatch(openaiClient(sandbox), [openaiLine('a', 'x')]);
  const old = (Date.now() - 8 * 24 * 3600 * 1000).toString(16).padStart(11, '0').padEnd(21, '0');
  await writeFile(join(dir, 'openai/batches', `batch_${old}.json`), '{}');
  await open({ dir });
  const names = await readdir(join(dir, 'openai/batches'));
  expect(names.sort()).toEqual([`${id}.body`, `${id}.json`]);
});

test('progress is a function of the stored batch and the clock', () => {
  const batch: StoredBatch = {
    id: 'x',
    createdAt: 1000,
    turnaroundMs: 1000,
    requests: 100,
    end: 'completed',
    done: 100,
    failed: 10,
  };
  const at = (now: number, of = batch) => {
    const { state, end, done, failed, unreached } = standingOf(of, now);
    return [state, end, done, failed, unreached];
  };
  expect(at(1000)).toEqual(['validating', undefined, 0, 0, 0]);
  expect(at(1200)).toEqual(['running', undefined, 0, 0, 0]);
  expect(at(1550)).toEqual(['running', undefined, 50, 5, 0]);
  expect(at(1900)).toEqual(['finalizing', undefined, 100, 10, 0]);
  expect(at(2000)).toEqual(['completed', 'completed', 100, 10, 0]);
  const stopped = { ...batch, cancel: { at: 1550, done: 50, failed: 5 } };
  expect(at(1600, stopped)).toEqual(['cancelling', undefined, 50, 5, 0]);
  expect(at(1650, stopped)).toEqual(['cancelled', 'cancelled', 50, 5, 50]);
  expect(at(1000, { ...batch, turnaroundMs: 0 })).toEqual(['completed', 'completed', 100, 10, 0]);
});

/**
 * A sandbox in a process of its own, which tells the most memory that it ever had. It collects its garbage all the time:
 * what it holds counts, and not what a busy machine has not come round to.
 */
async function openApart(): Promise<{
  origin: string;
  child: ChildProcess;
  peakMegabytes(): Promise<number>;
}> {
  const dir = await temporaryFolder();
  const script = join(dir, 'apart.mjs');
  const contents = `
    import { startSandbox } from './server.ts';
    const sandbox = await startSandbox({ dir: process.argv[2], turnaroundMs: 0 });
    process.on('message', () => process.send(process.resourceUsage().maxRSS / 1024));
    process.on('disconnect', () => process.exit());
    setInterval(gc, 20);
    process.send(sandbox.origin);`;
  await build({
    stdin: { contents, resolveDir: fileURLToPath(sources), loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: script,
  });
  const child = fork(script, [join(dir, 'files')], { execArgv: ['--expose-gc'] });
  const [origin] = (await once(child, 'message')) as [string];
  const peakMegabytes = async () => {
    child.send('memory');
    return ((await once(child, 'message')) as [number])[0];
  };
  return { origin, child, peakMegabytes };
}

/** A file made of so many pieces. */
async function largeFile(pieces: number, piece: (number: number) => string): Promise<string> {
  const path = join(await temporaryFolder(), 'large');
  const file = await openFile(path, 'w');
  for (let number = 0; number < pieces; number += 1) await file.write(piece(number));
  await file.close();
  return path;
}

test('uploads, creates and result files of 60 MB cost the server little memory', async () => {
  const { origin, child, peakMegabytes } = await openApart();
  const pad = 'x'.repeat(9_900);
  const block = (separator: string, line: (id: string) => string) => (number: number) =>
    Array.from({ length: 100 }, (_, row) => line(`row-${number}-${row}`)).join(separator) + separator;

  const jsonl = await largeFile(
    60,
    block('\n', (id) => openaiLine(id, pad)),
  );
  const openai = openaiClient({ baseUrls: { openai: `${origin}/openai/v1` } } as never);
  const file = new File([await openAsBlob(jsonl)], 'large.jsonl');
  const { id } = await openai.files.create({ file, purpose: 'batch' });
  const request = { input_file_id: id, endpoint: '/v1/chat/completions', completion_window: '24h' } as const;
  const batch = await openaiEnd(openai, (await openai.batches.create(request)).id);
  expect(batch.request_counts).toEqual({ total: 6_000, completed: 6_000, failed: 0 });

  const requests = await largeFile(
    60,
    block(',', (id) => JSON.stringify(anthropicRequest(id, pad))),
  );
  const last = JSON.stringify(anthropicRequest('last', pad));
  const body = new Blob(['{"requests":[', await openAsBlob(requests), last, ']}'], {
    type: 'application/json',
  });
  const anthropic = anthropicClient({ baseUrls: { anthropic: `${origin}/anthropic` } } as never);
  const created = (await anthropic.post('/v1/messages/batches', { body })) as { request_counts: object };
  expect(created.request_counts).toMatchObject({ succeeded: 6_001 });

  // 100 answers of a megabyte each, to a reader that stops after the first bytes for a while.
  const large = Array.from({ length: 100 }, (_, row) =>
    openaiLine(`row-${row}`, '[[sandbox:large 1000000]]'),
  );
  const wide = await openaiEnd(openai, (await openaiBatch(openai, large)).id);
  const response = await openai.files.content(wide.output_file_id as string);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  await new Promise((resolve) => setTimeout(resolve, 300));
  let bytes = 0;
  for (let step = await reader.read(); !step.done; step = await reader.read()) bytes += step.value.length;
  expect(bytes).toBeGreaterThan(99_000_000);

  expect(await peakMegabytes()).toBeLessThan(180);
  child.disconnect();
  await once(child, 'exit');
});
