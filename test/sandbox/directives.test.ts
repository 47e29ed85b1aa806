import { expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/server.ts';
import {
  anthropicClient,
  anthropicRequest,
  googleClient,
  open,
  openaiBatch,
  openaiClient,
  openaiEnd,
  openaiLine,
  openrouterClient,
  parseLines,
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
const batches: Record<string, Ask> = {
  openai: async (sandbox, prompt) => {
    const client = openaiClient(sandbox);
    const batch = await openaiEnd(client, (await openaiBatch(client, [openaiLine('a', prompt, 'm')])).id);
    const text = await (await client.files.content(batch.output_file_id as string)).text();
    return parseLines(text)[0].response.body;
  },
  anthropic: async (sandbox, prompt) => {
    const { batches: api } = anthropicClient(sandbox).messages;
    const { id } = await api.create({ requests: [anthropicRequest('a', prompt, 'm')] });
    await until(
      () => api.retrieve(id),
      (batch) => batch.processing_status === 'ended',
    );
    for await (const { result } of await api.results(id)) return (result as any).message;
  },
  google: async (sandbox, prompt) => {
    const { batches: api } = googleClient(sandbox);
    const src = [{ contents: [{ role: 'user', parts: [{ text: prompt }] }] }];
    const { name } = await api.create({ model: 'm', src, config: { displayName: 'x' } });
    const job = await until(
      () => api.get({ name: name as string }),
      (state) => state.state === 'JOB_STATE_SUCCEEDED',
    );
    return job.dest?.inlinedResponses?.[0]?.response;
  },
};

function textOf(vendor: string, answer: any): string {
  if (vendor === 'anthropic') return answer.content.map((block: any) => block.text ?? '').join('');
  if (vendor !== 'google') return answer.choices[0].message.content;
  const parts = answer.candidates[0].content.parts ?? [];
  return parts.map((part: any) => (part.thought ? '' : part.text)).join('');
}
// biome-ignore-end lint/suspicious/noExplicitAny: to here

const ways: [string, string, Ask][] = [
  ...Object.entries(liveCalls).map(([vendor, ask]): [string, string, Ask] => [vendor, 'live', ask]),
  ...Object.entries(batches).map(([vendor, ask]): [string, string, Ask] => [vendor, 'batch', ask]),
];

test.each(ways)(
  '%s, %s: a refusal, an empty, a blocked and a cut answer have their own forms',
  async (vendor, way, ask) => {
    const sandbox = await open();
    const refused = await ask(sandbox, '[[sandbox:refuse]]');
    const empty = await ask(sandbox, '[[sandbox:empty]]');
    const cut = await ask(sandbox, '[[sandbox:length]]');
    if (vendor === 'anthropic') {
      expect(refused).toMatchObject({ stop_reason: 'refusal', content: [] });
      expect(empty).toMatchObject({ stop_reason: 'end_turn', content: [] });
      expect(cut.stop_reason).toBe('max_tokens');
    } else if (vendor === 'google') {
      expect(refused.candidates[0]).toEqual({ finishReason: 'SAFETY', index: 0 });
      expect(empty.candidates[0]).toEqual({ content: { role: 'model' }, finishReason: 'STOP', index: 0 });
      expect(cut.candidates[0].finishReason).toBe('MAX_TOKENS');
      const blocked = await ask(sandbox, '[[sandbox:blocked]]');
      expect([blocked.promptFeedback.blockReason, blocked.candidates]).toEqual([
        'PROHIBITED_CONTENT',
        undefined,
      ]);
    } else {
      expect(refused.choices[0].message).toMatchObject({
        content: null,
        refusal: expect.stringMatching(/can't assist/),
      });
      expect(empty.choices[0]).toMatchObject({
        message: { content: '', refusal: null },
        finish_reason: 'stop',
      });
      expect(cut.choices[0].finish_reason).toBe('length');
    }
    if (vendor === 'openai') {
      const blocked = await ask(sandbox, '[[sandbox:blocked]]');
      expect(blocked.choices[0]).toMatchObject({
        message: { content: null },
        finish_reason: 'content_filter',
      });
    }
    if (vendor === 'anthropic' && way === 'live') {
      const error = await thrown(ask(sandbox, '[[sandbox:blocked]]'));
      expect(error).toMatchObject({ status: 400, apiMessage: 'Output blocked by content filtering policy' });
    }
  },
);

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
  const sandbox = await open();
  const client = openaiClient(sandbox);
  const batch = await openaiEnd(
    client,
    (await openaiBatch(client, [openaiLine('a', '[[sandbox:separators]]')])).id,
  );
  const text = await (await client.files.content(batch.output_file_id as string)).text();
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
