/** One batch job from input to output, with a home and a sandbox of its own. */
import { extname, join } from 'node:path';
import { checkOutput, promptColumn } from './inputs.mjs';

const models = { openai: 'gpt-4o-mini', anthropic: 'claude-haiku-5-5', google: 'gemini-3-flash' };

/** What `run`, with these flags, and `fetch` took. Throws unless the output has an answer for every row. */
export async function submitAndFetch(workplace, runTool, provider, input, rows, flags = []) {
  const sandbox = await workplace.startSandbox();
  const place = await workplace.createPlace(
    `batch-${Math.random().toString(36).slice(2)}`,
    sandbox.variables,
  );
  const format = extname(input.replace(/\.gz$/, ''));
  const output = join(place.folder, `answers${format}`);
  const column = format === '.csv' || format === '.tsv' ? ['--col', promptColumn] : [];
  const submit = await runTool(
    place,
    ...['run', '--file', input, ...column, '--provider', provider, '--model', models[provider]],
    ...['--output', output],
    ...flags,
  );
  const fetch = await runTool(place, 'fetch');
  await checkOutput(output, rows);
  await sandbox.stop();
  await place.discard();
  return { submit, fetch };
}
