/** llmock: a mock of chat completions with one shape for all, whose refusals are plain text. */
import { join } from 'node:path';
import { findPort, tryServer } from './kit.mjs';

const model = {
  name: 'openai',
  model: 'gpt-4o',
  endpoint: 'v1/chat/completions',
  responseType: 'lorem',
  maxLoremParas: 2,
  validateRequests: false,
  logRequests: false,
  debug: false,
  stream: false,
  responseDelay: { min: 0, max: 0 },
  embeddings: { enabled: false, dimensions: 8 },
};

await tryServer('llmock', async (trial) => {
  const modules = await trial.installNode(['llmock@3.3.6']);
  const address = await start(trial, modules, model);
  await trial.write('data.jsonl', '{"text":"one"}\n{"text":"two"}\n{"text":"three"}\n');

  const at = ['-c', 'text', '-p', 'openai', '-m', 'gpt-4o', '--base-url', `${address}/v1`];
  const live = await trial.loom(
    'run',
    '-f',
    'data.jsonl',
    ...at,
    '--sync',
    '--with-usage',
    '-o',
    'live.jsonl',
  );
  trial.same('every row is answered', live.code, 0);
  const rows = await trial.rows('live.jsonl');
  trial.same(
    'with a text of its own making',
    rows.map(({ text, llm_response }) => [text, llm_response.length > 0]),
    [
      ['one', true],
      ['two', true],
      ['three', true],
    ],
  );
  const usage = rows.map((row) => [row.llm_input_tokens, row.llm_output_tokens, row.llm_finish_reason]);
  trial.same('and the same usage each time', usage, Array(3).fill([12, 99, 'stop']));

  const again = await trial.loom('run', '-f', 'data.jsonl', ...at, '--sync', '-o', 'again.jsonl');
  trial.like('a second run takes all from the cache', again.stdout, /3 prompts, 3 cache hits, 0 errors/);
  const batch = await trial.loom('run', '-f', 'data.jsonl', ...at, '--no-cache', '-o', 'batch.jsonl');
  trial.like(
    'a batch is refused in words',
    batch.stderr,
    /The server has no batch API at \S+\. Re-run with --sync\./,
  );

  const strict = await start(trial, modules, { ...model, validateRequests: true });
  const refused = await trial.loom(
    'run',
    '-f',
    'data.jsonl',
    ...at.slice(0, -1),
    `${strict}/v1`,
    '--sync',
    '-o',
    'refused.jsonl',
  );
  trial.same('a request that its template refuses', refused.code, 1);
  trial.like(
    'is told in its own words, though they are plain text',
    refused.stderr,
    /HTTP 400 Invalid or Missing Request For This LLM Model Template/,
  );
});

async function start(trial, modules, settings) {
  const port = await findPort();
  const server = { port, host: '127.0.0.1' };
  await trial.write(
    '.llmockrc.json',
    JSON.stringify({ defaultModel: 'plain', models: { plain: settings }, server }),
  );
  const args = ['start', '--model=plain', `--port=${port}`, '--host=127.0.0.1', '--foreground'];
  const address = `http://127.0.0.1:${port}`;
  await trial.start('llmock', process.execPath, [join(modules, 'llmock/bin/llmock.js'), ...args], {
    ready: `${address}/ping`,
  });
  return address;
}
