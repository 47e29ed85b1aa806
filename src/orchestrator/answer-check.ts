/** Checks each answer against the schema that it was asked to fit. */
import type { ErrorObject } from 'ajv';
import { LoomError } from '../errors.ts';
import {
  type GenerationSettings,
  isDeepValue,
  type JsonObject,
  mostLevels,
  type RowResult,
} from '../models.ts';

/** The result as it is, or a failed one when its text does not fit. */
export type AnswerCheck = (result: RowResult) => RowResult;

/** LoomError `input` when the schema of the settings is none. Without a schema every answer passes. */
export async function openAnswerCheck(settings: GenerationSettings | undefined): Promise<AnswerCheck> {
  if (!settings?.schema) return (result) => result;
  const findMisfit = await compileSchema(settings.schema);
  return (result) => {
    const misfit = result.outcome === 'succeeded' ? findMisfit(result.text) : undefined;
    if (misfit === undefined) return result;
    const error = { kind: 'schema_mismatch', message: misfit };
    const { customId, usage, finishReason } = result;
    return { customId, outcome: 'failed', error, usage, finishReason };
  };
}

async function compileSchema(schema: JsonObject): Promise<(text: string) => string | undefined> {
  // Loaded only for this: it takes as long as an SDK.
  const { default: ajv } = isDraft7(schema) ? await import('ajv') : await import('ajv/dist/2020.js');
  // Keywords and formats that no draft knows are notes to the model.
  const options = { strict: false, validateFormats: false, logger: false } as const;
  let validate: ((value: unknown) => boolean) & { errors?: ErrorObject[] | null };
  try {
    validate = new ajv.default(options).compile(schema);
  } catch (error) {
    throw new LoomError('input', `--schema is no valid JSON Schema: ${(error as Error).message}.`, {
      hint: 'Mend the file; nothing was sent.',
      cause: error,
    });
  }
  return (text) => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return 'The answer is no JSON.';
    }
    if (isDeepValue(value)) return `The answer is nested more than ${mostLevels} levels deep.`;
    if (validate(value)) return undefined;
    const [first] = validate.errors ?? [];
    return `The answer does not fit the schema: ${first?.instancePath || 'it'} ${first?.message}.`;
  };
}

/** What says no draft is read as the newest. */
function isDraft7({ $schema }: JsonObject): boolean {
  return typeof $schema === 'string' && /draft-0[4-7]/.test($schema);
}
