/** A world whose OpenAI is a double that does what a test says, with data.csv to submit. */
import { join } from 'node:path';
import { createWorld, type Ended, type Running, type World } from '../../program.ts';
import { refusal } from './http-server.ts';
import { type DoubleBatch, type OpenAiDouble, startOpenAiDouble, usualAnswer } from './openai-double.ts';
import { standFor, useWorld } from './use-world.ts';

export interface OpenAiWorld extends World {
  readonly openai: OpenAiDouble;
  /** Submits a batch that stands so, and gives its id. */
  submitAs(status: string, ...flags: string[]): Promise<string>;
  /** A job with a part for each row, all under way, of which the provider's queue takes so many; gives its id. */
  submitParts(taken: number, ...flags: string[]): Promise<string>;
  /** What a fetch that writes prints. */
  completion(id: string, output?: string, note?: string): string;
  /** Addresses that were asked for since the last call of this. */
  takeRequests(): string[];
}

/** The output of data.csv where nothing else is said. */
export const output = 'data_results_openai_m.csv';
export const data = 'id,text\n1,Hello\n2,World\n';
/** What data.csv comes out as. */
export const merged = `id,text,llm_response\n1,Hello,${usualAnswer('Hello')}\n2,World,${usualAnswer('World')}\n`;
export const voice = 'Spinning the threads... submitting batch.\n';

export { runArgs } from '../../program.ts';

/** What a batch run of one part prints. */
export function submission(id: string): string {
  return `Batch submitted. id=${id} provider=openai\nMetadata saved to ~/.loom/batches/. Run loom fetch --id ${id} later.\n`;
}

export async function createOpenAiWorld(): Promise<OpenAiWorld> {
  const openai = await startOpenAiDouble();
  const world = await createWorld({ OPENAI_BASE_URL: openai.url, OPENAI_API_KEY: 'a-key-for-openai' });
  await world.write('data.csv', data);
  return {
    ...world,
    openai,
    submitAs(status, ...flags) {
      openai.onCreate = (batch) => {
        batch.status = status;
      };
      return world.submit(...flags);
    },
    async submitParts(taken, ...flags) {
      openai.onCreate = (batch) => {
        batch.status = 'in_progress';
      };
      openai.override = ({ method, path }) =>
        method === 'POST' && path === '/v1/batches' && openai.batches.length >= taken
          ? refusal(429, 'Queue full.', {}, { 'retry-after': '0' })
          : undefined;
      const id = submittedJob(await world.run('--batch-size', '1', ...flags));
      openai.override = () => undefined;
      openai.requests.splice(0);
      return id;
    },
    completion: (id, name = output, note = ' (metadata removed)') =>
      `Fabric complete. id=${id} -> ${join(world.folder, name)}${note}\n`,
    takeRequests: () => openai.requests.splice(0).map(({ method, path }) => `${method} ${path}`),
    async remove() {
      await openai.close();
      await world.remove();
    },
  };
}

/** A world for each test, and its OpenAI. */
export function useOpenAiWorld(): { readonly world: OpenAiWorld; readonly openai: OpenAiDouble } {
  const world = useWorld(createOpenAiWorld);
  return { world, openai: standFor(() => world.openai) };
}

/** The id in `Job submitted. id=…`. */
export function submittedJob({ stdout }: Ended): string {
  return /^Job submitted\. id=(\S+) /m.exec(stdout)?.[1] as string;
}

/** The batch that was created last. */
export function lastBatch(openai: OpenAiDouble): DoubleBatch {
  return openai.batches.at(-1) as DoubleBatch;
}

/** Resolves as soon as it holds. */
export async function until(condition: () => unknown): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Resolves when a stream of a process has shown a text. */
export function shows(stream: Running['process']['stderr'], text: string): Promise<void> {
  let shown = '';
  return new Promise((resolve) => {
    stream?.on('data', (more: string) => {
      shown += more;
      if (shown.includes(text)) resolve();
    });
  });
}
