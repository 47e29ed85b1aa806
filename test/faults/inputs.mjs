/** The inputs, in the format that each provider gets, and what they and their outputs are called. */
export const batchProviders = [
  ...['openai', 'anthropic', 'google', 'alibaba', 'xai', 'fireworks'],
  ...['openrouter', 'mistral'],
];
export const allProviders = batchProviders;

/** A provider that takes a batch only where somebody asks for one. */
export const askFor = (provider, flags) =>
  provider === 'openrouter' && !flags.includes('--sync') ? ['--batch'] : [];

/** A provider that has no way to cancel a batch: a cancel says so each time. */
export const takesCancels = (provider) => !['fireworks', 'openrouter'].includes(provider);

/** The call that carries the rows of a batch. */
export const carrierOf = (provider) =>
  ['anthropic', 'openrouter'].includes(provider) ? 'createBatch' : 'uploadFile';

export const model = 'faults-1';
export const refusedPrompt = 'Say something improper. [[sandbox:refuse]]';

const rowCount = 18;

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

const rowObject = (prompt, index) => ({ id: `r${index}`, prompt, note: index });

export const writers = {
  csv: writeCsv,
  json: (prompts) => JSON.stringify(prompts.map(rowObject)),
  jsonl: (prompts) =>
    prompts.map((prompt, index) => `${JSON.stringify(rowObject(prompt, index))}\n`).join(''),
};

/** The format in which each provider gets its input. */
const formats = {
  ...{ openai: 'csv', anthropic: 'json', google: 'csv', openrouter: 'json', alibaba: 'jsonl' },
  xai: 'csv',
  fireworks: 'jsonl',
  mistral: 'csv',
};

export const inputName = (provider) => `rows.${formats[provider]}`;
export const outputName = (provider) => inputName(provider).replace('.', `_results_${provider}_${model}.`);

export const usesCsv = (provider) => formats[provider] === 'csv';

export function writeInput(world, provider, prompts = makeRows()) {
  return world.write(inputName(provider), writers[formats[provider]](prompts));
}
