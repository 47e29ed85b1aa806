/** Servers and models without structured output: the schema is told in words, and what comes is checked. */
import { expect, it, test } from 'vitest';
import { refusal } from '../worlds/http-server.ts';
import { runArgs, useOpenAiWorld } from '../worlds/openai-world.ts';

const { world, openai } = useOpenAiWorld();

const args = runArgs(
  '--sync',
  '--fields',
  'tone: good|bad',
  '--system',
  'Be brief.',
  '-w',
  '1',
  '--with-error',
);
const schema =
  '{"type":"object","properties":{"tone":{"type":"string","enum":["good","bad"]}},"required":["tone"],"additionalProperties":false}';

interface Body {
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly response_format?: unknown;
}
const bodies = () => openai.requests.map(({ body }) => JSON.parse(body) as Body);

/** As servers say it that know no schemas. */
function refuseSchemas(status: number, message: string): void {
  openai.override = ({ body }) =>
    (JSON.parse(body) as Body).response_format ? refusal(status, message) : undefined;
}

it.each([
  [400, 'This response_format type is unavailable now'],
  [400, "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model."],
  [422, 'extra inputs are not permitted: response_format'],
])('a refusal with %i %s is no end: the schema goes into the system text', async (status, message) => {
  refuseSchemas(status, message);
  openai.answerTo = (prompt) => (prompt === 'Hello' ? '{"tone":"good"}' : 'Fine, thank you.');
  const ended = await world.loom(...args);
  expect(ended.code).toBe(3);
  expect(ended.stderr.match(/^Note: structured output is refused \(.*$/gm)).toEqual([
    `Note: structured output is refused (${message.replace(/\.?$/, '.')}) The schema is told in the system text from here on, and answers are checked all the same.`,
  ]);
  expect(await world.read('data_results_openai_m.csv')).toBe(
    'id,text,llm_response,tone,llm_error\n' +
      '1,Hello,"{""tone"":""good""}",good,\n' +
      '2,World,,,schema_mismatch: The answer is not JSON.\n',
  );
  expect(bodies().map(({ response_format }) => response_format !== undefined)).toEqual([true, false, false]);
  expect(bodies()[1]?.messages).toEqual([
    {
      role: 'system',
      content: `Be brief.\n\nAnswer with nothing but JSON that fits this JSON Schema: ${schema}`,
    },
    { role: 'user', content: 'Hello' },
  ]);
});

test('a refusal of this very schema is told as it is', async () => {
  refuseSchemas(400, "Invalid schema for response_format 'response': 'oneOf' is not permitted.");
  const ended = await world.loom(...args);
  expect(ended.code).toBe(1);
  expect(ended.stderr).toContain("Invalid schema for response_format 'response': 'oneOf' is not permitted.");
  expect(openai.requests).toHaveLength(2);
});
