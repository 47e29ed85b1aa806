/** Batches at servers and models without structured output: the schema is told in words, and what comes is checked. */
import { rm } from 'node:fs/promises';
import { beforeEach, describe, expect, it, test } from 'vitest';
import { createRecordedWorld } from '../worlds/recorder.ts';
import {
  batchProviders,
  fetchUntilDone,
  orderOf,
  type ProviderName,
  submittedId,
} from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createRecordedWorld);

/** In each, what an encoder, a file of lines or a frame might trip over. */
const prompts = ['Hello', 'a "quoted", \u2028 line\nand two', 'World [[sandbox:misfit]]', 'last ]}'];
const quoted = prompts.map((prompt) => `"${prompt.replaceAll('"', '""')}"`);
const data = `id,text\n${quoted.map((prompt, index) => `${index + 1},${prompt}\n`).join('')}`;
const fits = '"{""tone"":""good""}",good,';
const misfit = ',,schema_mismatch: The answer is not JSON.';
const merged = `id,text,llm_response,tone,llm_error\n${quoted
  .map((prompt, index) => `${index + 1},${prompt},${index === 2 ? misfit : fits}\n`)
  .join('')}`;

const schema =
  '{"type":"object","properties":{"tone":{"type":"string","enum":["good","bad"]}},"required":["tone"],"additionalProperties":false}';
const told = `Be brief.\n\nAnswer with nothing but JSON that fits this JSON Schema: ${schema}`;
const checked = 'and answers are checked all the same.';

beforeEach(() => world.write('data.csv', data));

const flags = ['--fields', 'tone: good|bad', '--system', 'Be brief.', '--with-error', '-o', 'out.csv'];
const args = (provider: ProviderName, model: string, ...more: string[]) => [
  ...['run', ...orderOf(provider), '-m', model, ...flags],
  ...more,
];

/** Of OpenAI and Anthropic, or of Google. */
interface Body {
  readonly messages?: readonly { readonly content: string }[];
  readonly contents?: readonly { readonly parts: readonly { readonly text: string }[] }[];
}

/** How each is asked, with its prompt: by the field of the provider, in words, or not at all. */
function readAsked(provider: ProviderName): [how: 'field' | 'words' | 'neither', prompt: string][] {
  return world.requestBodies(provider).map((body) => {
    const { messages, contents } = body as Body;
    const text = JSON.stringify(body);
    const isField = /"(?:response_format|output_config|responseSchema)"/.test(text);
    const isTold = text.includes(JSON.stringify(told).slice(1, -1));
    const prompt = messages?.at(-1)?.content ?? contents?.[0]?.parts[0]?.text;
    return [isField ? 'field' : isTold ? 'words' : 'neither', prompt ?? ''];
  });
}
const allAsked = (how: 'field' | 'words') => prompts.map((prompt) => [how, prompt]);

/** How each says that it has no structured output. */
const words: Readonly<Record<string, string>> = {
  openai: "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
  alibaba: "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
  anthropic: 'output_config.format: no-schemas-m does not support structured outputs.',
  google: 'JSON mode is not enabled for models/no-schemas-m.',
};
const failedInWords = `failed for that, unbilled; the same loom run command with --force asks for the rows without an answer, with the schema in the system text, ${checked}\n`;
const sentAgain = (reason = '') =>
  `structured output is refused (${reason}) Nothing of it was answered or billed: it is sent again with the schema in the system text, ${checked}\n`;

async function setFaults(faults: object): Promise<void> {
  await fetch(`${world.sandbox.origin}/sandbox/faults`, { method: 'PUT', body: JSON.stringify(faults) });
}

describe.each(batchProviders)('at %s', (provider) => {
  const created = async () => (await world.countCalls(provider)).createBatch;

  test('a batch of which every row is refused for its schema has failed unbilled, and the same command asks in words', async () => {
    const first = await world.loom(...args(provider, 'no-schemas-m', '--wait', '--interval', '0.1'));
    expect(first.code).toBe(1);
    expect(first.stderr).toContain(
      `structured output is refused (${words[provider]}) 4 of 4 rows ${failedInWords}`,
    );
    expect(first.stdout.match(/^Batch submitted\./gm)).toHaveLength(1);
    const order = args(provider, 'no-schemas-m', '--force', '--wait', '--interval', '0.1');
    const { code } = await world.loom(...order);
    expect(code).toBe(3);
    expect(await world.read('out.csv')).toBe(merged);
    expect(readAsked(provider)).toEqual([...allAsked('field'), ...allAsked('words')]);
    expect((await world.listLeft()).filter((name) => !name.startsWith('refusals/'))).toEqual([]);
    // The cache has them as it has the answers to structured output.
    const again = await world.loom(...args(provider, 'no-schemas-m', '--force'));
    expect(again.stdout).toContain('(4 prompts, 4 cache hits, 1 errors)');
    expect(await world.read('out.csv')).toBe(merged);
    expect(await created()).toBe(2);
  });

  test('what was refused once is told in words at once, whatever refused it', async () => {
    const live = await world.loom(...args(provider, 'no-schemas-m', '--sync', '--limit', '1', '--force'));
    expect(live.code).toBe(0);
    world.requests.splice(0);
    const preview = await world.loom(...args(provider, 'no-schemas-m', '--preview', '1'));
    expect(preview.stdout + preview.stderr).toContain('Answer with nothing but JSON that fits');
    expect(world.requests).toEqual([]);
    const ran = await world.loom(...args(provider, 'no-schemas-m', '--no-cache'));
    const day = new Date().toISOString().slice(0, 10);
    expect(ran.stderr).toContain(
      `Note: no-schemas-m refused structured output for this schema on ${day} (${words[provider]}) The schema is told in the system text, ${checked}\n`,
    );
    const fetched = await fetchUntilDone(world, '--force');
    expect(fetched.code).toBe(3);
    expect(await world.read('out.csv')).toBe(merged);
    expect(readAsked(provider)).toEqual(allAsked('words'));
    expect(await created()).toBe(1);
  });

  test('another schema is another matter', async () => {
    await world.loom(...args(provider, 'no-schemas-m', '--sync', '--limit', '1'));
    const order = ['run', ...orderOf(provider), '-m', 'no-schemas-m', '--fields', 'other', '-o', 'other.csv'];
    expect((await world.loom(...order)).stderr).not.toContain('structured output');
  });

  test('rows that are refused beside answers fail unbilled, and the same command asks for them alone, as before', async () => {
    const message = `${words.openai}`;
    await setFaults({
      batches: [{ failedShare: 0.5, failedStatus: 400, failedMessage: message, times: 1 }],
    });
    await world.loom(...args(provider, 'm'));
    const { code, stderr } = await fetchUntilDone(world);
    expect(code).toBe(3);
    const [, refused = ''] = /(\d) of 4 rows failed for that/.exec(stderr) ?? [];
    expect(Number(refused)).toBeGreaterThan(0);
    expect(stderr).toContain(
      `structured output is refused (${message}) ${refused} of 4 rows failed for that, unbilled; the same loom run command with --force asks for the rows without an answer.\n`,
    );
    world.requests.splice(0);
    await world.loom(...args(provider, 'm'));
    expect((await fetchUntilDone(world, '--force')).code).toBe(3);
    expect(await world.read('out.csv')).toBe(merged);
    const asked = readAsked(provider);
    expect(asked).toHaveLength(Number(refused));
    // One row proves nothing about a model.
    expect(asked.every(([how]) => how === 'field')).toBe(true);
  });

  test('a creation that is refused for its schema is made again in words, by the same command', async () => {
    const calls = [{ operation: 'createBatch', do: 'status', status: 400, message: words.openai, times: 1 }];
    await setFaults({ calls });
    const ran = await world.loom(...args(provider, 'm'));
    expect(ran.code).toBe(0);
    expect(ran.stderr).toContain(sentAgain(words.openai));
    expect((await fetchUntilDone(world)).code).toBe(3);
    expect(await world.read('out.csv')).toBe(merged);
    expect(readAsked(provider)).toEqual([...allAsked('field'), ...allAsked('words')]);
  });

  test('parts that wait are told in words once it is known', async () => {
    const refuse = { do: 'status', status: 400, message: 'Not at the moment.' };
    await setFaults({ calls: [{ ...refuse, operation: 'createBatch', skip: 2 }] });
    const order = args(provider, 'no-schemas-m', '--batch-size', '1');
    expect((await world.loom(...order)).code).toBe(1);
    await setFaults({});
    await world.loom(...args(provider, 'no-schemas-m', '--sync', '--limit', '1', '--no-cache', '--again'));
    world.requests.splice(0);
    const fetched = await fetchUntilDone(world, '--partial', '--force');
    expect(fetched.code).toBe(3);
    expect(readAsked(provider)).toEqual(prompts.slice(2).map((prompt) => ['words', prompt]));
  });

  test('what is refused in the same words once more has failed', async () => {
    await setFaults({ batches: [{ failedShare: 1, failedStatus: 400, failedMessage: words.openai }] });
    const order = args(provider, 'm', '--force', '--wait', '--interval', '0.1');
    expect((await world.loom(...order)).stderr).toContain('structured output is refused');
    const { code, stderr } = await world.loom(...order);
    expect(code).toBe(1);
    expect(stderr).not.toContain('structured output is refused');
    expect(stderr).toContain('4 of 4 rows have no response');
    expect(await created()).toBe(2);
    // It was not for that: structured output is asked for again.
    expect((await world.listLeft()).filter((name) => name.startsWith('refusals/'))).toEqual([]);
  });

  test('a refusal of this very schema is told as it is', async () => {
    const failedMessage = "Invalid schema for response_format 'response': 'oneOf' is not permitted.";
    await setFaults({ batches: [{ failedShare: 1, failedStatus: 400, failedMessage }] });
    const { code, stderr } = await world.loom(...args(provider, 'm', '--wait', '--interval', '0.1'));
    expect(code).toBe(1);
    expect(stderr).not.toContain('structured output is refused');
    expect(stderr).toContain(failedMessage);
    expect(await created()).toBe(1);
  });
});

it.each(['openai', 'anthropic', 'alibaba'] as const)(
  'rows that a batch of %s refused before it expired are asked for in words by the next run',
  async (provider) => {
    const failed = { failedShare: 1, failedStatus: 400, failedMessage: words.openai };
    await setFaults({ batches: [{ end: 'expired', doneShare: 0.5, ...failed, times: 1 }] });
    await world.loom(...args(provider, 'm'));
    const { stderr } = await fetchUntilDone(world);
    expect(stderr).toContain(`(${words.openai}) 2 of 4 rows ${failedInWords}`);
    world.requests.splice(0);
    await world.loom(...args(provider, 'm', '--force', '--wait', '--interval', '0.1'));
    expect(await world.read('out.csv')).toBe(merged);
    expect(readAsked(provider)).toEqual(allAsked('words'));
  },
);

test('a batch that was adopted is not sent again: its rows fail, and the same command asks for them in words', async () => {
  const id = submittedId(await world.loom(...args('openai', 'no-schemas-m')));
  await rm(world.statePath(''), { recursive: true });
  const [, ...asked] = args('openai', 'no-schemas-m');
  expect((await world.loom('adopt', '--id', id, ...asked)).code).toBe(0);
  const fetched = await fetchUntilDone(world);
  expect(fetched.code).toBe(1);
  expect(fetched.stderr).toContain(
    `Note: ${id}: structured output is refused (${words.openai}) 4 of 4 rows ${failedInWords}`,
  );
  expect((await world.countCalls('openai')).createBatch).toBe(1);
  world.requests.splice(0);
  const again = await world.loom(...args('openai', 'no-schemas-m', '--force', '--wait', '--interval', '0.1'));
  expect(again.code).toBe(3);
  expect(readAsked('openai')).toEqual(allAsked('words'));
  expect(await world.read('out.csv')).toBe(merged);
});

it.each(batchProviders.filter((name) => name !== 'anthropic'))(
  'a batch that %s fails as a whole for its schema is told of once, and never sent again by a fetch',
  async (provider) => {
    await setFaults({ batches: [{ end: 'failed', code: 'invalid', message: words.openai, times: 1 }] });
    const failed = await world.loom(...args(provider, 'm', '--wait', '--interval', '0.1'));
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain(`(${words.openai}) 4 of 4 rows ${failedInWords}`);
    const looked = await world.loom('fetch', '--id', submittedId(failed));
    expect(looked.stderr).not.toContain('structured output');
    expect((await world.countCalls(provider)).createBatch).toBe(1);
    const order = args(provider, 'm', '--wait', '--interval', '0.1');
    expect((await world.loom(...order)).code).toBe(3);
    expect(await world.read('out.csv')).toBe(merged);
    expect(readAsked(provider)).toEqual([...allAsked('field'), ...allAsked('words')]);
  },
);

test('without the cache all rows are asked for again, and that is what is said', async () => {
  await setFaults({
    batches: [{ failedShare: 0.5, failedStatus: 400, failedMessage: words.openai, times: 1 }],
  });
  await world.loom(...args('openai', 'm', '--no-cache'));
  expect((await fetchUntilDone(world)).stderr).toContain(
    'failed for that, unbilled; the same loom run command with --force asks for all rows again.\n',
  );
});
