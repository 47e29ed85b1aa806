/** The guide’s line for a model server on this machine, in a shell. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readPage } from '../../pages.ts';
import { createWorld, type World } from '../../program.ts';
import { type HttpServer, type Received, type Response, startHttpServer } from '../worlds/http-server.ts';
import { createSandboxWorld } from '../worlds/sandbox-world.ts';

let world: World;
let server: HttpServer;
let answer: (request: Received) => Response;

beforeEach(async () => {
  answer = () => ({ body: { choices: [{ message: { content: 'fine' } }] } });
  server = await startHttpServer((request) => answer(request));
  world = await createWorld();
  await world.write('data.csv', 'id,text\n1,Hello\n');
});

afterEach(async () => {
  await server.close();
  await world.remove();
});

test.skipIf(process.platform === 'win32')('the guide’s line for Ollama runs, without a key', async () => {
  const line =
    /^loom run .*http:\/\/localhost:11434\/v1.*$/m.exec(readPage('docs/guide/addresses.md'))?.[0] ?? '';
  expect(line).not.toBe('');
  const rehearsal = await createSandboxWorld();
  try {
    delete rehearsal.environment.OPENAI_API_KEY;
    await rehearsal.write('reviews.csv', 'id,text\n1,Hello\n');
    const { baseUrls } = rehearsal.sandbox;
    const ended = await rehearsal.shellHere(line.replace('http://localhost:11434/v1', baseUrls.local));
    expect(ended).toMatchObject({ code: 0 });
    expect(await rehearsal.read('reviews_results_openai_llama3.2.csv')).toBe(
      'id,text,llm_response\n1,Hello,Sandbox answer from llama3.2: Hello\n',
    );
    const batch = await rehearsal.shellHere(
      line
        .replace('--sync', '')
        .replace('http://localhost:11434/v1', `${baseUrls.local} -o other.csv --no-cache`),
    );
    expect(batch.stderr).toContain(`The server has no batch API at ${baseUrls.local}. Re-run with --sync.`);
  } finally {
    await rehearsal.remove();
  }
});
