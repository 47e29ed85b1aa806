/**
 * Servers that never come to an end: a creation that stalls, answers and lists without end, plain and compressed. Each
 * command ends by itself, and what was paid for is found again. And a `.env` that sends keys elsewhere is told.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createGzip } from 'node:zlib';
import { defineCase } from './expect.mjs';
import { allProviders, batchProviders, fetchUntilDone, outputName, runArgs } from './stories.mjs';

/** A time that a command waits for is over: `may_go_on_until` is by the clock of the machine. */
async function passWaits(world) {
  for (const name of await world.listState('jobs')) {
    if (!name.endsWith('.json')) continue;
    const path = world.statePath(`jobs/${name}`);
    const text = await readFile(path, 'utf8');
    const passed = `"may_go_on_until": "${new Date(0).toISOString()}"`;
    await writeFile(path, text.replace(/"may_go_on_until": "[^"]+"/g, passed));
  }
}

const stalled = batchProviders.map((provider) =>
  defineCase({
    name: `${provider} creation: the answer begins, and stalls`,
    kind: 'a creation that stalls',
    provider,
    world: { hurry: true, faults: { calls: [{ operation: 'createBatch', times: 1, do: 'stall' }] } },
    async play(trial, world) {
      await world.loom(runArgs(provider));
      await passWaits(world);
      await fetchUntilDone(world);
      await trial.compare(`${provider} run`, { announced: false });
    },
  }),
);

/** A server whose every answer begins as JSON does, and goes on for ever. */
async function startEndless(isCompressed) {
  const piece = Buffer.alloc(1 << 18, 'a');
  const server = createServer((request, response) => {
    request.resume();
    response.on('error', () => {});
    const headers = {
      'content-type': 'application/json',
      ...(isCompressed && { 'content-encoding': 'gzip' }),
    };
    response.writeHead(200, headers);
    const sink = isCompressed ? createGzip({ level: 1 }) : response;
    if (isCompressed) sink.pipe(response);
    sink.write('{"id":"');
    const pour = () => {
      while (!response.destroyed && sink.write(piece));
      if (!response.destroyed) sink.once('drain', () => setImmediate(pour));
    };
    pour();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  return {
    /** The addresses of the sandbox, with this server in its place. */
    variablesFor: ({ environment }) =>
      Object.fromEntries(
        Object.entries(environment)
          .filter(([name]) => /_URL$/.test(name))
          .map(([name, address]) => [name, address.replace(/:\d+/, `:${port}`)]),
      ),
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

const endless = allProviders.flatMap((provider, place) =>
  [false, true].map((isCompressed, turn) =>
    defineCase({
      name: `${provider}: bodies without end${isCompressed ? ', compressed' : ''}`,
      kind: 'bodies without end',
      provider,
      short: place === 0 && turn === 1,
      world: { hurry: true },
      async play(trial, world) {
        const server = await startEndless(isCompressed);
        try {
          const variables = server.variablesFor(world);
          const live = await world.loom(
            runArgs(provider, '--sync', '--limit', '1', '--output', `live-${outputName(provider)}`),
            { variables },
          );
          trial.checkExit(live, 1, 'a live run');
          if (!batchProviders.includes(provider)) return;
          await world.loom(runArgs(provider));
          trial.checkExit(await world.loom(['fetch'], { variables }), 1, 'a fetch');
        } finally {
          await server.close();
        }
        await fetchUntilDone(world);
        await trial.compare(`${provider} run`, { only: ['prompts', 'batches'] });
      },
    }),
  ),
);

const redirected = allProviders.map((provider) =>
  defineCase({
    name: `${provider}: a .env that sends the key of the environment elsewhere`,
    kind: "a stranger's project",
    provider,
    async play(trial, world) {
      const isAddress = ([name]) => name.endsWith('_URL');
      const addresses = Object.entries(world.environment).filter(isAddress);
      const lines = addresses.map(([name, address]) => `${name}=${address}\n`);
      await world.write('.env', lines.join(''));
      const variables = Object.fromEntries(addresses.map(([name]) => [name, undefined]));
      const ended = await world.loom(runArgs(provider, '--sync'), { variables });
      trial.check(/^Warning: .*\.env/m.test(ended.stderr), `nobody is told: ${ended.stderr}`);
      trial.check(await world.exists(outputName(provider)), 'there is no output');
    },
  }),
);

export const boundCases = [...stalled, ...endless, ...redirected];
