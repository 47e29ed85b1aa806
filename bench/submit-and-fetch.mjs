/** One batch job from input to output, with a home and a sandbox of its own. */
import { extname, join } from 'node:path';
import { checkOutput, promptColumn } from './inputs.mjs';

const models = { openai: 'gpt-4o-mini', anthropic: 'claude-haiku-4-5', google: 'gemini-3-flash' };

const formatOf = (path) => extname(path.replace(/\.gz$/, ''));

/** The flags of a run over an input, whose format is in its name. */
export function orderOf(input, provider = 'openai') {
  const column = /csv|tsv|parquet/.test(formatOf(input)) ? ['--col', promptColumn] : [];
  return ['--file', input, ...column, '--provider', provider, '--model', models[provider]];
}

/**
 * What `run`, with these flags, and `fetch` took; with `again`, what a live run took whose answers are all in the cache by
 * then. Throws unless the output has an answer for every row.
 */
export async function submitAndFetch(
  workplace,
  runTool,
  provider,
  input,
  rows,
  { flags = [], again = false } = {},
) {
  const sandbox = await workplace.startSandbox();
  const place = await workplace.createPlace(
    `batch-${Math.random().toString(36).slice(2)}`,
    sandbox.variables,
  );
  const output = join(place.folder, `answers${formatOf(input)}`);
  const order = [...orderOf(input, provider), '--output', output];
  const submit = await runTool(place, 'run', ...order, ...flags);
  const fetch = await runTool(place, 'fetch');
  await checkOutput(output, rows);
  const cached = again ? await runTool(place, 'run', '--sync', '--force', ...order) : undefined;
  if (cached) requireHits(cached, rows);
  await sandbox.stop();
  await place.discard();
  return { submit, fetch, cached };
}

/** Throws unless every answer of a run came from the cache. */
export function requireHits({ stdout }, rows) {
  const hits = Number(stdout.match(/(\d+) cache hits/)?.[1]);
  if (hits !== rows) throw new Error(`${hits} of ${rows} rows came from the cache: ${stdout}`);
}
