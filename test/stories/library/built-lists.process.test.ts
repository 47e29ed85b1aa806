/** The lists that the build cuts to size say what the whole ones do. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { readListedNames } from '../../../src/cache/prices/listed-names.ts';
import * as sources from '../../../src/index.ts';
import { createSandboxWorld, providers } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

let built: typeof sources;

beforeAll(async () => {
  built = await import(pathToFileURL(resolve('dist/index.mjs')).href);
});

/** Two letters of the middle in the place of each other, or one left out. */
function misspell(name: string, index: number): string {
  const middle = Math.floor(name.length / 2);
  const [before, one, two] = [name.slice(0, middle), name[middle] ?? '', name[middle + 1] ?? ''];
  return index % 2 === 0
    ? before + two + one + name.slice(middle + 2)
    : before + two + name.slice(middle + 2);
}

describe.each(providers)('at %s', (provider) => {
  test('every listed name is asked about as by the whole list, and so are slips', async () => {
    const place = { home: world.statePath(''), environment: {}, provider };
    const { whole, parts } = readListedNames(provider);
    const listed = [...whole, ...parts];
    const slips = listed.filter((_, index) => index % 7 === 0).map(misspell);
    expect(listed.length).toBeGreaterThan(20);
    const ask = async ({ questionModel }: typeof sources) => {
      const answers = [...listed, ...slips].map((model) => questionModel({ ...place, model }));
      return Promise.all(answers);
    };
    const answers = await ask(built);
    expect(answers).toEqual(await ask(sources));
    expect(answers.some((answer) => answer !== undefined)).toBe(true);
  });

  test('every model has the same prices', async () => {
    const options = { home: world.statePath(''), environment: {}, provider: [provider] };
    const models = await built.models(options);
    expect(models.length).toBeGreaterThan(20);
    expect(models).toEqual(await sources.models(options));
  });
});

test('a provider of somebody of which no list knows a model is asked', async () => {
  const { local } = world.sandbox.baseUrls;
  await world.writeState('providers.json', JSON.stringify({ ours: { base_url: local, needs_key: false } }));
  await world.write('data.csv', 'text\nHello\n');
  const ended = await world.loomProcess('run', 'data.csv', '-c', 'text', '-p', 'ours', '-m', 'm', '--sync');
  expect(ended).toMatchObject({ code: 0 });
});
