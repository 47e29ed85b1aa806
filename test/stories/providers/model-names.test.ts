/** A model's name that is most likely a mistake is asked about before anything is sent, and stops nothing. */
import { describe, expect, test } from 'vitest';
import { questionModel } from '../../../src/index.ts';
import { atTerminalHere } from '../worlds/at-terminal.ts';
import { startHttpServer } from '../worlds/http-server.ts';
import {
  baseUrlVariables,
  createSandboxWorld,
  keyVariables,
  orderOf,
  providers,
} from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

const order = (provider: string, model: string, ...flags: string[]) => [
  ...['run', '-f', 'data.csv', '-c', 'text', '-p', provider, '-m', model],
  ...flags,
];

const slips = [
  ['openai', 'gpt-4o-mnii', 'gpt-4o-mini', 'OpenAI'],
  ['anthropic', 'claude-hiaku-4-5', 'claude-haiku-4-5', 'Anthropic'],
  ['google', 'gemini-2.5-falsh', 'gemini-2.5-flash', 'Google'],
  ['openrouter', 'openai/gpt-4o-mnii', 'openai/gpt-4o-mini', 'OpenRouter'],
  ['alibaba', 'qwen-puls', 'qwen-plus', 'Alibaba'],
] as const;

const asks = (model: string, meant: string, title: string) =>
  `Warning: is ${model} meant to be ${meant}? No list of prices has ${model} of ${title}.\n`;

describe.each(slips)('at %s', (provider, model, meant, title) => {
  const question = asks(model, meant, title);

  test('a live run asks first, and runs', async () => {
    await world.write('data.csv', 'text\nHello\n');
    const ran = await world.loom(...order(provider, model, '--sync'));
    expect(ran.code).toBe(0);
    expect(ran.stderr.startsWith(`${question}Weaving live...`)).toBe(true);
    expect(ran.stderr.split(' meant ')).toHaveLength(2);
  });

  test.runIf(provider !== 'openrouter')('a batch asks first, and is submitted', async () => {
    await world.write('data.csv', 'text\nHello\n');
    const ran = await world.loom(...order(provider, model));
    expect(ran.code).toBe(0);
    expect(ran.stderr.startsWith(`${question}Spinning the threads...`)).toBe(true);
    expect(ran.stdout).toContain('Batch submitted.');
  });

  test.each([['--dry-run'], ['--preview'], ['--sandbox'], ['--quiet'], ['--output-format', 'json']])(
    'so it does with %s',
    async (...flags) => {
      await world.write('data.csv', 'text\nHello\n');
      const ran = await world.loom(...order(provider, model, '--sync', ...flags));
      expect(ran.code).toBe(0);
      expect(ran.stderr).toContain(question);
      expect(ran.stdout).not.toContain(' meant ');
    },
  );
});

describe.each(providers)('at %s', (provider) => {
  const foreign = provider === 'anthropic' ? 'gpt-4o-mini' : 'claude-haiku-4-5';
  const home = provider === 'anthropic' ? 'openai' : 'anthropic';

  test('a model of another provider is asked about, before the key is', async () => {
    await world.write('data.csv', 'text\nHello\n');
    delete world.environment[keyVariables[provider]];
    world.environment[baseUrlVariables[provider]] = '';
    const ran = await world.loom(...order(provider, foreign, '--sync'));
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(
      new RegExp(
        `^Warning: is ${foreign} meant for --provider ${home}\\? The lists of prices have it there, and not of \\w+\\.\n(Weaving live.*\n)?Error: `,
      ),
    );
  });

  test('nothing is asked about a name like none', async () => {
    await world.write('data.csv', 'text\nHello\n');
    const ran = await world.loom('run', ...orderOf(provider, '--sync'));
    expect(ran.stderr).not.toContain('Warning');
  });
});

test('nobody is waited for at a terminal either: the line is told, and the run goes on', async () => {
  await world.write('data.csv', 'text\nHello\n');
  const { code, text } = await atTerminalHere(world, order('openai', 'gpt-4o-mnii', '--sync'));
  expect(code).toBe(0);
  expect(text.split(' meant ')).toHaveLength(2);
  expect(text).toContain('Done. wrote');
});

/** Retired by their vendors, some of them also sold elsewhere: who asks for one may still have it. */
test.each([
  ['openai', ['gpt-3.5-turbo-0301', 'gpt-4-0314', 'gpt-4-1106-preview', 'text-davinci-003', 'o1-preview']],
  [
    'anthropic',
    ['claude-2.0', 'claude-2.1', 'claude-instant-1.2', 'claude-3-opus-20240229', 'claude-3-5-sonnet'],
  ],
  ['google', ['gemini-1.0-pro', 'gemini-1.5-flash-8b', 'gemini-exp-1206', 'gemma-2-9b-it', 'text-bison-001']],
  ['alibaba', ['qwq-32b', 'qwq-32b-preview', 'qwen1.5-72b-chat', 'qwen-max-0428']],
  ['openrouter', ['anthropic/claude-2.1', 'openai/gpt-3.5-turbo-0301', 'google/gemini-2.0-flash-exp:free']],
] as const)('nothing is asked at %s about names that it has retired', async (provider, models) => {
  await world.write('data.csv', 'text\nHello\n');
  world.environment[baseUrlVariables[provider]] = '';
  for (const model of models) {
    const asked = await world.loom(...order(provider, model, '--sync', '--dry-run'));
    expect([model, asked.code, asked.stderr]).toEqual([model, 0, '']);
  }
});

describe('behind an address of one’s own', () => {
  async function runAt(model: string) {
    const message = { role: 'assistant', content: 'Hi' };
    const server = await startHttpServer(() => ({
      body: { object: 'chat.completion', choices: [{ index: 0, message, finish_reason: 'stop' }] },
    }));
    await world.write('data.csv', 'text\nHello\n');
    try {
      return await world.loom(...order('openai', model, '--sync', '--base-url', `${server.url}/v1`));
    } finally {
      await server.close();
    }
  }

  test('a slip is asked about all the same', async () => {
    const ran = await runAt('gpt-4o-mnii');
    expect(ran.code).toBe(0);
    expect(ran.stderr.startsWith(asks('gpt-4o-mnii', 'gpt-4o-mini', 'OpenAI'))).toBe(true);
  });

  test.each(['claude-haiku-4-5', 'qwen3-8b', 'qwen/qwen3-32b'])(
    'a name of others such as %s is none',
    async (model) => {
      expect((await runAt(model)).stderr).not.toContain('Warning');
    },
  );

  test('a name that OpenRouter alone has is one at OpenAI alone', async () => {
    await world.write('data.csv', 'text\nHello\n');
    const asked = await world.loom(...order('openai', 'qwen/qwen3-32b', '--dry-run'));
    expect(asked.stderr).toBe('');
    world.environment.OPENAI_BASE_URL = '';
    const atOpenAi = await world.loom(...order('openai', 'qwen/qwen3-32b', '--dry-run'));
    expect(atOpenAi.stderr).toBe(
      'Warning: is qwen/qwen3-32b meant for --provider openrouter? The lists of prices have it there, and not of OpenAI.\n',
    );
  });

  test('a name in one’s own prices is never asked about', async () => {
    await world.writeState('prices.json', '{"openai": {"gpt4o-mini": {"input": 1, "output": 2}}}');
    expect((await runAt('gpt4o-mini')).stderr).not.toContain('Warning');
  });
});

test('the library is asked by itself', async () => {
  const home = world.statePath('');
  const ask = (model: string) => questionModel({ home, environment: {}, provider: 'openai', model });
  expect(await ask('gpt-4o-mnii')).toEqual({ provider: 'openai', model: 'gpt-4o-mini' });
  expect(await ask('claude-haiku-4-5')).toEqual({ provider: 'anthropic', model: 'claude-haiku-4-5' });
  expect(await ask('gpt-4o-mini')).toBeUndefined();
});
