/** A world whose providers are all one sandbox, which runs in the test's own process. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProviderEntry } from '../../../src/providers/provider.ts';
import { offersBatches, providerEntry } from '../../../src/providers/registry.ts';
import { type Sandbox, type SandboxOptions, sandboxKey, startSandbox } from '../../../src/sandbox/server.ts';
import { createWorld, type Ended, type World } from '../../program.ts';

export { submittedId } from '../../program.ts';

/** One of each way to speak, those that all stories are told of; others have rows of tables of their own. */
export const providers = ['openai', 'anthropic', 'google', 'openrouter', 'alibaba'] as const;
export type ProviderName = (typeof providers)[number];
/** Those that a plain run submits to; OpenRouter's batches have stories of their own. */
export const batchProviders = providers.filter((name) => offersBatches(providerEntry(name)));

/** A property of every provider, by its name. */
function ofEach<Value>(read: (entry: ProviderEntry) => Value): Readonly<Record<ProviderName, Value>> {
  const values = providers.map((name) => [name, read(providerEntry(name))]);
  return Object.fromEntries(values);
}

/** What a run of `data.csv`, with its prompts in the column `text`, is told beside its own flags. */
export const orderOf = (provider: ProviderName, ...flags: string[]): string[] => [
  ...['-f', 'data.csv', '-c', 'text', '-p', provider, '-m', 'm'],
  ...flags,
];

export const keyVariables = ofEach(({ keyVariable }) => keyVariable);
export const baseUrlVariables = ofEach(({ baseUrlVariable }) => baseUrlVariable);

export interface SandboxWorld extends World {
  readonly sandbox: Sandbox;
  /** How many calls of each kind a provider got. */
  countCalls(provider: ProviderName): Promise<Record<string, number>>;
}

export async function createSandboxWorld(options: Partial<SandboxOptions> = {}): Promise<SandboxWorld> {
  const dir = await mkdtemp(join(tmpdir(), 'loom-sandbox-'));
  const sandbox = await startSandbox({ dir, turnaroundMs: 100, ...options });
  const environment: Record<string, string> = {};
  for (const name of providers) {
    environment[baseUrlVariables[name]] = sandbox.baseUrls[name];
    environment[keyVariables[name]] = sandboxKey;
  }
  const world = await createWorld(environment);
  return {
    ...world,
    sandbox,
    async countCalls(provider) {
      const statistics = await (await fetch(`${sandbox.origin}/sandbox/stats`)).json();
      return (statistics as { vendors: Record<string, { calls: Record<string, number> }> }).vendors[provider]
        ?.calls as Record<string, number>;
    },
    async remove() {
      await sandbox.close();
      await world.remove();
      await rm(dir, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** To ask again takes more than to wait. */
const pauseMs = 50;

/** A cancelled batch of a slow sandbox takes six seconds to end, and a fast machine asks a hundred times in those. */
const mostFetches = 1_000;

/** Fetches again and again until nothing is pending, and gives what the last fetch said. */
export async function fetchUntilDone(world: World, ...flags: string[]): Promise<Ended> {
  for (let attempt = 0; attempt < mostFetches; attempt += 1) {
    const ended = await world.loom('fetch', ...flags);
    if (!/status=(validating|in_progress)$/m.test(ended.stdout)) return ended;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  throw new Error('The batch does not end.');
}
