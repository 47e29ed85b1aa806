/** A world whose OpenAI is a double that does what a test says, with data.csv to submit. */
import { join } from 'node:path';
import { createWorld, type Ended, type World } from '../program.ts';
import { type DoubleBatch, type OpenAiDouble, startOpenAiDouble, usualAnswer } from './openai-double.ts';
import { submittedId } from './sandbox-world.ts';

export interface OpenAiWorld extends World {
  readonly openai: OpenAiDouble;
  /** Runs data.csv, or what `-f` names. */
  run(...flags: string[]): Promise<Ended>;
  /** The same as a batch, and gives its id. */
  submit(...flags: string[]): Promise<string>;
  /** The same, as a batch that stands so. */
  submitAs(status: string, ...flags: string[]): Promise<string>;
  /** What a fetch that writes prints. */
  completion(id: string, output?: string, note?: string): string;
  readRecord(id: string): Promise<Record<string, unknown>>;
  /** Addresses that were asked for since the last call of this. */
  takeRequests(): string[];
}

/** The output of data.csv where nothing else is said. */
export const output = 'data_results_openai_m.csv';
export const data = 'id,text\n1,Hello\n2,World\n';
/** What data.csv comes out as. */
export const merged = `id,text,llm_response\n1,Hello,${usualAnswer('Hello')}\n2,World,${usualAnswer('World')}\n`;
export const voice = 'Spinning the threads... submitting batch.\n';

/** Arguments of `run` for data.csv, unless the flags name another file. */
export function runArgs(...flags: string[]): string[] {
  const file = flags.includes('-f') ? [] : ['-f', 'data.csv', '-c', 'text'];
  return ['run', ...file, '-p', 'openai', '-m', 'm', ...flags];
}

/** What a batch run of one part prints. */
export function submission(id: string): string {
  return `Batch submitted. id=${id} provider=openai\nMetadata saved to ~/.loom/batches/. Run loom fetch --id ${id} later.\n`;
}

export async function createOpenAiWorld(): Promise<OpenAiWorld> {
  const openai = await startOpenAiDouble();
  const world = await createWorld({ OPENAI_BASE_URL: openai.url, OPENAI_API_KEY: 'a-key-for-openai' });
  await world.write('data.csv', data);
  const run = (...flags: string[]) => world.loom(...runArgs(...flags));
  const submit = async (...flags: string[]) => submittedId(await run(...flags));
  return {
    ...world,
    openai,
    run,
    submit,
    submitAs(status, ...flags) {
      openai.onCreate = (batch) => {
        batch.status = status;
      };
      return submit(...flags);
    },
    completion: (id, name = output, note = ' (metadata removed)') =>
      `Fabric complete. id=${id} -> ${join(world.folder, name)}${note}\n`,
    readRecord: async (id) => JSON.parse(await world.readState(`batches/openai_${id}.json`)),
    takeRequests: () => openai.requests.splice(0).map(({ method, path }) => `${method} ${path}`),
    async remove() {
      await openai.close();
      await world.remove();
    },
  };
}

/** The batch that was created last. */
export function lastBatch(openai: OpenAiDouble): DoubleBatch {
  return openai.batches.at(-1) as DoubleBatch;
}

/** Resolves as soon as it holds. */
export async function until(condition: () => unknown): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}
