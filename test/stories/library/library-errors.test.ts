/** What the library has programs know of an error: its code, the facts, and words that name the library's own options. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { LoomError, type SubmitBatchOptions, submitBatch } from '../../../src/index.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld();

beforeEach(async () => {
  await world.write('data.csv', 'id,text\n1,Hello\n');
  await world.write('data.json', '[{"question": "Hello"}]');
  await world.write('taken.csv', '');
  await mkdir(join(world.folder, 'folder'));
});

type Refused = Partial<SubmitBatchOptions> & { readonly file?: string };

/** Paths below the world's folder are written without it. */
async function refusalOf(options: Refused): Promise<unknown> {
  const order = {
    provider: 'openai',
    model: 'm',
    apiKey: 'k',
    col: 'text',
    home: join(world.folder, '.loom'),
  } as const;
  const { file = 'data.csv', output = 'out.csv' } = options;
  const paths = { file: join(world.folder, file), output: join(world.folder, output) };
  const error = await submitBatch({ ...order, ...options, ...paths }).catch((reason: unknown) => reason);
  if (!(error instanceof LoomError)) return error;
  const { kind, code, facts, message, hint } = error;
  const told = JSON.stringify({ kind, code, facts, message, hint });
  return JSON.parse(told.replaceAll(`${world.folder}/`, ''));
}

test.each<[options: Refused, refusal: object]>([
  [
    { output: 'taken.csv' },
    {
      kind: 'output',
      code: 'output_exists',
      facts: { path: 'taken.csv' },
      message: 'output file taken.csv already exists.',
      hint: 'Set overwrite, or another output.',
    },
  ],
  [
    { output: 'none/out.csv' },
    {
      kind: 'output',
      code: 'output_folder_missing',
      facts: { folder: 'none' },
      message: 'the output folder none does not exist.',
      hint: 'Create it, or choose another output.',
    },
  ],
  [
    { file: 'none.csv' },
    {
      kind: 'input',
      code: 'input_missing',
      facts: { path: 'none.csv' },
      message: 'none.csv: no such file.',
      hint: 'Check the path of the file.',
    },
  ],
  [
    { rowId: 'name' },
    {
      kind: 'input',
      code: 'column_unknown',
      facts: { path: 'data.csv', name: 'name', names: ['id', 'text'], option: 'rowId' },
      message: 'data.csv: no column "name"; it has the columns "id", "text".',
      hint: 'Name one of these as rowId.',
    },
  ],
  [
    { file: 'data.json', col: 'questions', output: 'out.json' },
    {
      kind: 'input',
      code: 'field_unknown',
      facts: {
        path: 'data.json',
        name: 'questions',
        names: ['question'],
        option: 'col',
        closest: 'question',
      },
      message: 'data.json: entry 1 has no "questions"; it has the field "question".',
      hint: 'Did you mean "question"?',
    },
  ],
  [
    { settings: { top_k: 3 } },
    {
      kind: 'usage',
      code: 'setting_unknown',
      facts: { title: 'OpenAI', setting: 'top_k', hasSchema: false },
      message: 'OpenAI has no setting for settings.top_k.',
      hint: 'Leave it out.',
    },
  ],
  [
    { settings: { extra: { model: 'other' } } },
    {
      kind: 'usage',
      code: 'extra_field_taken',
      facts: { field: 'model', by: 'loom' },
      message: "settings.extra can't set model: loom fills this field, or depends on it.",
      hint: 'Leave it out.',
    },
  ],
  [
    { output: 'data.csv', limit: 1, overwrite: true },
    {
      kind: 'usage',
      code: 'pick_replaces_input',
      facts: { path: 'data.csv', option: 'limit' },
      message: "the output of limit can't replace its input, data.csv.",
      hint: 'The rows that are not picked would be lost. Choose another output.',
    },
  ],
  [
    { apiKey: '' },
    {
      kind: 'key',
      code: 'key_missing',
      facts: { title: 'OpenAI', variable: 'OPENAI_API_KEY' },
      message: 'no API key for OpenAI.',
      hint: 'Set OPENAI_API_KEY, or give apiKey.',
    },
  ],
])('%j', async (options, refusal) => {
  expect(await refusalOf(options)).toEqual(refusal);
});
