import { expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/server.ts';
import {
  anthropicClient,
  type BatchDriver,
  batchDrivers,
  googleClient,
  open,
  openaiBatch,
  openaiClient,
  openaiEnd,
  openaiLine,
  openrouterClient,
  resultsOf,
  thrown,
  until,
} from './rehearsal.ts';

// biome-ignore-start lint/suspicious/noExplicitAny: each vendor has forms of its own
type Ask = (sandbox: Sandbox, prompt: string) => Promise<any>;

const liveCalls: Record<string, Ask> = {
  openai: (sandbox, content) =>
    openaiClient(sandbox).chat.completions.create({ model: 'm', messages: [{ role: 'user', content }] }),
  openrouter: (sandbox, content) =>
    openrouterClient(sandbox).chat.completions.create({ model: 'm', messages: [{ role: 'user', content }] }),
  anthropic: (sandbox, content) =>
    anthropicClient(sandbox).messages.create({
      model: 'm',
      max_tokens: 1000,
      messages: [{ role: 'user', content }],
    }),
  google: (sandbox, contents) => googleClient(sandbox).models.generateContent({ model: 'm', contents }),
};

/** The answer of a batch of one row, as the live call would have given it. */
function asBatch(vendor: string): Ask {
  return async (sandbox, prompt) => {
    const driver = batchDrivers[vendor]?.(sandbox) as BatchDriver;
    const id = await driver.create({ a: prompt });
    await until(
      () => driver.word(id),
      (word) => /completed|ended|SUCCEEDED/.test(word),
    );
    return (await resultsOf(driver, id))[0]?.answer;
  };
}

function textOf(vendor: string, answer: any): string {
  if (vendor === 'anthropic') return answer.content.map((block: any) => block.text ?? '').join('');
  if (vendor !== 'google') return answer.choices[0].message.content;
  const parts = answer.candidates[0].content.parts ?? [];
  return parts.map((part: any) => (part.thought ? '' : part.text)).join('');
}
// biome-ignore-end lint/suspicious/noExplicitAny: to here

const ways: [string, string, Ask][] = [
  ...Object.entries(liveCalls).map(([vendor, ask]): [string, string, Ask] => [vendor, 'live', ask]),
  ...Object.keys(batchDrivers).map((vendor): [string, string, Ask] => [vendor, 'batch', asBatch(vendor)]),
];

const choice = (content: string | null, refusal: unknown, finish_reason: string) => ({
  choices: [{ message: { content, refusal }, finish_reason }],
});
const chatForms = {
  refuse: choice(null, expect.stringMatching(/can't assist/), 'stop'),
  empty: choice('', null, 'stop'),
  length: { choices: [{ finish_reason: 'length' }] },
};
/** What the answers have in them, by directive; a thrown error is told by its status. */
const forms: Record<string, Record<string, object>> = {
  openrouter: chatForms,
  openai: { ...chatForms, blocked: choice(null, null, 'content_filter') },
  anthropic: {
    refuse: { stop_reason: 'refusal', content: [] },
    empty: { stop_reason: 'end_turn', content: [] },
    length: { stop_reason: 'max_tokens' },
  },
  google: {
    refuse: { candidates: [{ finishReason: 'SAFETY', index: 0 }] },
    empty: { candidates: [{ content: { role: 'model' }, finishReason: 'STOP', index: 0 }] },
    length: { candidates: [{ finishReason: 'MAX_TOKENS' }] },
    blocked: { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' } },
  },
};

test.each(ways)(
  '%s, %s: a refusal, an empty, a blocked and a cut answer have their own forms',
  async (vendor, _way, ask) => {
    const sandbox = await open();
    for (const [directive, form] of Object.entries(forms[vendor] ?? {}))
      expect(await ask(sandbox, `[[sandbox:${directive}]]`)).toMatchObject(form);
  },
);

test('Anthropic refuses what its filter blocks', async () => {
  const error = await thrown((liveCalls.anthropic as Ask)(await open(), '[[sandbox:blocked]]'));
  expect(error).toMatchObject({ status: 400, apiMessage: 'Output blocked by content filtering policy' });
});

test.each(ways)('%s, %s: large answers, separators and thoughts come through', async (vendor, _way, ask) => {
  const sandbox = await open();
  expect(textOf(vendor, await ask(sandbox, '[[sandbox:large 3000000]]'))).toHaveLength(3_000_000);
  const separators = textOf(vendor, await ask(sandbox, '[[sandbox:separators]]'));
  for (const trap of ['\u2028', '\u2029', '\u0085', '"', ',', '\r\n', '\t', '\\'])
    expect(separators).toContain(trap);
  const thoughtful = await ask(sandbox, '[[sandbox:thinking]]');
  expect(textOf(vendor, thoughtful)).toBe('Sandbox answer from m: [[sandbox:thinking]]');
  if (vendor !== 'openai') expect(JSON.stringify(thoughtful)).toContain('The sandbox thinks about');
});

test('result files hold the separators raw, so that a reader that splits at them breaks', async () => {
  const client = openaiClient(await open());
  const { id } = await openaiBatch(client, [openaiLine('a', '[[sandbox:separators]]')]);
  const { output_file_id } = await openaiEnd(client, id);
  const text = await (await client.files.content(output_file_id as string)).text();
  expect(text.split('\n')).toHaveLength(2);
  expect(text.split(/[\u2028\u2029\u0085]/)).toHaveLength(4);
});

test.each(Object.entries(liveCalls))(
  '%s: an error has the status that the prompt asked for',
  async (_vendor, ask) => {
    const sandbox = await open();
    for (const status of [400, 403, 429, 503]) {
      expect((await thrown(ask(sandbox, `[[sandbox:error ${status}]]`))).status).toBe(status);
    }
  },
);

test('a long prompt is cut in the answer, which still differs from that to another long prompt', async () => {
  const sandbox = await open();
  const ask = liveCalls.openai as Ask;
  const long = `${'x'.repeat(299)}🧵 and so on`;
  const first = textOf('openai', await ask(sandbox, long));
  expect(first).toMatch(/^Sandbox answer from m: x{299}… \([0-9a-f]{8}\)$/);
  expect(textOf('openai', await ask(sandbox, long))).toBe(first);
  expect(textOf('openai', await ask(sandbox, `${long}!`))).not.toBe(first);
});

test('a slow answer keeps only itself waiting', async () => {
  const sandbox = await open();
  const order: string[] = [];
  const ask = async (prompt: string) => {
    await liveCalls.openai?.(sandbox, prompt);
    order.push(prompt);
  };
  await Promise.all([ask('[[sandbox:slow 300]]'), ask('quick')]);
  expect(order).toEqual(['quick', '[[sandbox:slow 300]]']);
});
