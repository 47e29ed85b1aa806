/** How to generate, from the flags that say it. */
import { resolve } from 'node:path';
import type { ErrorFacts } from '../../core/error-facts.ts';
import { LoomError } from '../../core/errors.ts';
import { type GenerationSettings, isJsonObject, type JsonObject } from '../../core/models.ts';
import type { SettingsOptions } from './options.ts';
import { readFlagFile, readTextFlag } from './text-flag.ts';

/** Undefined when nothing is set. LoomError `input` for a file that can't be read, or is not a JSON object. */
export async function readSettings(
  options: SettingsOptions,
  workingFolder: string,
): Promise<GenerationSettings | undefined> {
  const flags = {
    system: options.system && readTextFlag('--system', options.system, workingFolder),
    temperature: options.temperature,
    max_tokens: options.maxTokens,
    top_p: options.topP,
    top_k: options.topK,
    stop: options.stop,
    seed: options.seed,
    presence_penalty: options.presencePenalty,
    frequency_penalty: options.frequencyPenalty,
    effort: options.effort,
    json_mode: options.json,
    schema: options.schema && readSchema(options.schema, workingFolder),
    few_shot: options.fewShot && (await readExamples(options.fewShot, workingFolder)),
    extra: options.param,
    api: options.api === 'chat' ? undefined : options.api,
  };
  const set = Object.entries(flags).filter(([, value]) => value !== undefined);
  return set.length > 0 ? Object.fromEntries(set) : undefined;
}

/** What reads a table is loaded for those who have one. */
async function readExamples(path: string, workingFolder: string) {
  return (await import('./examples.ts')).readExamples(path, workingFolder);
}

function readSchema(given: string, workingFolder: string): JsonObject {
  const path = schemaPath(given, workingFolder);
  const text = path === undefined ? given : readFlagFile('--schema', path);
  const what = nameSchema(path);
  let schema: unknown;
  try {
    schema = JSON.parse(text);
  } catch (error) {
    throw new LoomError('input', `${what} is not JSON: ${(error as Error).message}.`, { cause: error });
  }
  if (isJsonObject(schema)) return schema;
  throw new LoomError('input', `${what} does not hold a JSON object.`, {
    hint: 'A JSON Schema looks like {"type": "object", "properties": {…}}.',
  });
}

/** Undefined for what is JSON itself. */
function schemaPath(given: string, workingFolder: string): string | undefined {
  if (/^\s*[{[]/.test(given)) return undefined;
  return resolve(workingFolder, given.replace(/^@/, ''));
}

function nameSchema(path: string | undefined): string {
  return path === undefined ? 'the text of --schema' : `the file of --schema, ${path},`;
}

/** The error, with the file of --schema in it where the schema is none. */
export function nameSchemaFile(error: unknown, { schema }: SettingsOptions, workingFolder: string): unknown {
  if (!(error instanceof LoomError) || error.code !== 'schema_invalid' || schema === undefined) return error;
  const { reason } = error.facts as ErrorFacts['schema_invalid'];
  const what = `${nameSchema(schemaPath(schema, workingFolder))} is not a valid JSON Schema: ${reason}.`;
  return new LoomError('input', what, { hint: 'Mend it; nothing was sent.', cause: error });
}
