/** Calls with a schema: what is told, and remembered, of a server that refuses structured output. */
import { expect, test } from 'vitest';
import { ProviderError } from '../../../src/core/errors.ts';
import { type PromptRequest, plainContent } from '../../../src/core/request/content.ts';
import { createAsk } from '../../../src/orchestrator/live/ask-provider.ts';

const reason = "'response_format' is not supported with this model.";
const refusal = new ProviderError('run', 'invalid', reason, { status: 400 });
const request: PromptRequest = {
  ...{ customId: 'row-0', model: 'm', content: plainContent('Hello') },
  settings: { schema: { type: 'object' } },
};

/** Asks as often as there are outcomes for structured output, each true where it is taken; `inWords` for the others. */
async function ask(asField: readonly boolean[], inWords: () => void = () => {}) {
  const outcomes = [...asField];
  const told: string[] = [];
  const generate = async ({ customId, settings }: PromptRequest) => {
    if (settings?.schema) {
      if (!outcomes.shift()) throw refusal;
    } else inWords();
    return { customId, outcome: 'succeeded', text: '{}' } as const;
  };
  const askProvider = createAsk(
    { generate },
    {
      onRefused: (words) => told.push(`refused: ${words}`),
      onTold: async (words) => void told.push(`told: ${words}`),
    },
  );
  for (const _ of [...asField, false])
    await askProvider(request, new AbortController().signal).catch((error) => told.push(error.message));
  return told;
}

test('what is refused is told once, and remembered once the schema in words was taken', async () => {
  expect(await ask([false])).toEqual([`refused: ${reason}`, `told: ${reason}`]);
});

test('it is not remembered where the schema in words is refused as well', async () => {
  const refuse = () => {
    throw refusal;
  };
  expect(await ask([false], refuse)).toEqual([`refused: ${reason}`, reason, reason]);
});

test('it is not remembered where structured output was taken in the same run', async () => {
  expect(await ask([true, false])).toEqual([`refused: ${reason}`]);
});
