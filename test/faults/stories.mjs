/** The inputs, and what a patient cron job does with them: the same run again, and fetch until nothing is pending. */
export const batchProviders = ['openai', 'anthropic', 'google'];
export const allProviders = [...batchProviders, 'openrouter'];
export const model = 'faults-1';
export const refusedPrompt = 'Say something improper. [[sandbox:refuse]]';

const rowCount = 18;
const workers = 4;

/** Equal prompts, blank ones, one that the model refuses, and one that CSV has to quote. */
export function makeRows() {
  return Array.from({ length: rowCount }, (_, index) => {
    if (index === 3 || index === 9) return '';
    if (index === 5 || index === 11) return 'What do two rows ask alike?';
    if (index === 8) return refusedPrompt;
    if (index === 7) return 'A prompt, with "quotes",\nand two lines';
    return `What is said of number ${index}?`;
  });
}

const quote = (cell) => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

export function writeCsv(prompts) {
  return `id,text,note\n${prompts.map((prompt, index) => `00${index},${quote(prompt)},n${index}\n`).join('')}`;
}

export function writeJson(prompts) {
  return JSON.stringify(prompts.map((prompt, index) => ({ id: `r${index}`, prompt, note: index })));
}

/** Half of the providers get CSV, the others JSON. */
export const inputName = (provider) => (usesCsv(provider) ? 'rows.csv' : 'rows.json');
export const outputName = (provider) => inputName(provider).replace('.', `_results_${provider}_${model}.`);

function usesCsv(provider) {
  return provider === 'openai' || provider === 'google';
}

export function writeInput(world, provider, prompts = makeRows()) {
  return world.write(inputName(provider), usesCsv(provider) ? writeCsv(prompts) : writeJson(prompts));
}

export function runArgs(provider, ...flags) {
  const column = usesCsv(provider) ? ['-c', 'text'] : [];
  const parallel = flags.includes('--sync') ? ['-w', String(workers)] : [];
  return ['run', '-f', inputName(provider), '-p', provider, '-m', model, ...column, ...parallel, ...flags];
}

const mostFetches = 25;
const pauseMs = 150;

/** Fetches until nothing is pending; gives the last fetch that had something to do. */
export async function fetchUntilDone(world, ...flags) {
  let last;
  for (let turn = 0; turn < mostFetches; turn += 1) {
    const ended = await world.loom(['fetch', ...flags]);
    if (/No pending batches/.test(ended.stderr)) return last ?? ended;
    if (ended.signal === null) last = ended;
    if (/status=(validating|in_progress|queued|unknown)/.test(ended.stdout)) await pause(pauseMs);
  }
  throw new Error(`Something is still pending after ${mostFetches} fetches.`);
}

export function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Whether a run said everything that it has to say: nobody would start it again. */
export const wasAnnounced = (ended) => /^Metadata saved/m.test(ended.stdout);
