/**
 * The library in a program of your own: counts, answers a file at once, then sends it as a batch and waits for that.
 *
 *     node examples/library.mjs reviews.csv text
 *
 * It asks Anthropic, with the key in ANTHROPIC_API_KEY; `loom sandbox` prints variables that put a stand-in in its place.
 */
import { countTokens, fetchBatches, LoomError, runSync, submitBatch } from 'loom-batch';

const [file = 'reviews.csv', col = 'text'] = process.argv.slice(2);
const input = { file, col, provider: 'anthropic', model: 'claude-haiku-4-5', settings: { max_tokens: 200 } };

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

try {
  const { tokens, rows } = await countTokens({ ...input, signal: stop.signal });
  console.log(`${rows} rows have ${tokens} tokens`);

  const live = await runSync({
    ...input,
    output: 'live.csv',
    overwrite: true,
    signal: stop.signal,
    onEvent: (event) => {
      if (event.type === 'retry') console.error(`trying again: ${event.error.message}`);
    },
  });
  console.log(`live: ${live.answered} of ${live.rows} answered, ${live.cacheHits} of them before`);

  // Without the cache, which has every answer by now.
  const batch = await submitBatch({ ...input, output: 'batch.csv', overwrite: true, cache: false });
  if (batch.kind !== 'submitted') throw new Error(`nothing was sent: ${batch.kind}`);
  console.log(`submitted as ${batch.id.replace(/_.*/, '')}`);
  const waiting = { id: batch.id, overwrite: true, wait: true, signal: stop.signal };
  const { merged, errors } = await fetchBatches(waiting);
  if (errors.length > 0) throw errors[0].error;
  for (const { summary } of merged) console.log(`batch: ${summary.answered} of ${summary.rows} answered`);
} catch (error) {
  if (!(error instanceof LoomError)) throw error;
  console.error([error.message, error.hint].join(' '));
  process.exitCode = 1;
}
