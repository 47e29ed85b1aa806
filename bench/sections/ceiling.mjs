/** What the sandbox can do when nothing but bare HTTP asks of it, and the disk: they must not be what is measured. */
import { once } from 'node:events';
import { createWriteStream, openAsBlob, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import http from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createPrompt } from '../inputs.mjs';
import { formatCount, formatSeconds } from '../report.mjs';

const connections = 64;

export async function measureCeiling({ workplace, sizes, ceiling }) {
  const place = await workplace.createPlace('ceiling');
  const sandbox = await workplace.startSandbox();
  ceiling.callsPerSecond = await countCalls(sandbox, sizes.ceilingCalls);
  const { uploadSeconds, downloadSeconds } = await timeBatch(sandbox, place, sizes.batchRows);
  Object.assign(ceiling, { uploadSeconds, downloadSeconds });
  await sandbox.stop();
  const microseconds = await timeFiles(place, sizes.ceilingCalls / 4);
  const rows = formatCount(sizes.batchRows);
  return {
    title: 'Ceiling of the sandbox (asked with bare HTTP) and of the disk',
    columns: ['what', 'result'],
    rows: [
      [`Live calls over ${connections} connections`, `${formatCount(ceiling.callsPerSecond)} a second`],
      [`Upload and creation of an OpenAI batch, ${rows} rows`, formatSeconds(uploadSeconds)],
      [`Download of its answers`, formatSeconds(downloadSeconds)],
      ['A small file made, as for a cached answer', `${Math.round(microseconds)} µs`],
    ],
    notes: describeDisk(microseconds),
  };
}

async function countCalls({ variables }, calls) {
  const address = `${variables.OPENAI_BASE_URL}/chat/completions`;
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  const headers = headersFor(variables, 'application/json');
  let left = calls;
  async function callOn() {
    while (left-- > 0) {
      const request = http.request(address, { method: 'POST', headers, agent });
      request.end(JSON.stringify(requestBody(left)));
      const [answer] = await once(request, 'response');
      for await (const _ of answer);
      if (answer.statusCode !== 200) throw new Error(`The sandbox answered ${answer.statusCode}.`);
    }
  }
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: connections }, callOn));
  const seconds = (performance.now() - startedAt) / 1000;
  agent.destroy();
  return calls / seconds;
}

/** Microseconds that it takes to make a file of half a kilobyte. */
async function timeFiles(place, files) {
  const folder = join(place.home, '.loom', 'cache');
  await mkdir(folder, { recursive: true });
  const text = createPrompt(0);
  const startedAt = performance.now();
  for (let file = 0; file < files; file++) writeFileSync(join(folder, `${file}.json`), text);
  return ((performance.now() - startedAt) / files) * 1000;
}

function describeDisk(microseconds) {
  if (microseconds < slowFileMicroseconds) return [];
  return [
    'THE DISK IS SLOW AT MAKING FILES: times of runs that fill a cache say more about it than about the program. ' +
      'Wait some minutes, or set TMPDIR to a folder elsewhere.',
  ];
}

const slowFileMicroseconds = 150;

async function timeBatch({ variables }, place, rows) {
  const base = variables.OPENAI_BASE_URL;
  const path = join(place.folder, 'requests.jsonl');
  await pipeline(Readable.from(requestLines(rows)), createWriteStream(path));
  const form = new FormData();
  form.append('purpose', 'batch');
  form.append('file', await openAsBlob(path), 'requests.jsonl');

  const startedAt = performance.now();
  const file = await callJson(`${base}/files`, {
    method: 'POST',
    headers: headersFor(variables),
    body: form,
  });
  const order = { input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' };
  const batch = await callJson(`${base}/batches`, {
    method: 'POST',
    headers: headersFor(variables, 'application/json'),
    body: JSON.stringify(order),
  });
  const uploadedAt = performance.now();
  const { output_file_id: answers } = await callJson(`${base}/batches/${batch.id}`, {
    headers: headersFor(variables),
  });
  const response = await fetch(`${base}/files/${answers}/content`, { headers: headersFor(variables) });
  for await (const _ of response.body);
  const downloadedAt = performance.now();
  return {
    uploadSeconds: (uploadedAt - startedAt) / 1000,
    downloadSeconds: (downloadedAt - uploadedAt) / 1000,
  };
}

async function callJson(address, init) {
  const response = await fetch(address, init);
  if (!response.ok) throw new Error(`${address} answered ${response.status}: ${await response.text()}`);
  return response.json();
}

function headersFor(variables, contentType) {
  const headers = { authorization: `Bearer ${variables.OPENAI_API_KEY}` };
  return contentType ? { ...headers, 'content-type': contentType } : headers;
}

function requestBody(row) {
  return { model: 'gpt-4o-mini', messages: [{ role: 'user', content: createPrompt(row) }] };
}

function* requestLines(rows) {
  for (let row = 0; row < rows; row++) {
    const request = {
      custom_id: `row-${row}`,
      method: 'POST',
      url: '/v1/chat/completions',
      body: requestBody(row),
    };
    yield `${JSON.stringify(request)}\n`;
  }
}
