/** What pages show of commands whose output tells times and ids of its own: it has the form of what they print. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { blocksOf, readPage } from '../pages.ts';
import { atTerminal, hasTerminal } from '../stories/worlds/at-terminal.ts';
import { createOpenAiWorld, type OpenAiWorld } from '../stories/worlds/openai-world.ts';
import { createSandboxWorld } from '../stories/worlds/sandbox-world.ts';

const hour = 3_600_000;
const id = 'batch_1a20348f2e600049013e4';

/** The block of a page that begins so. */
function shownBlock(path: string, start: string): string {
  const shown = blocksOf(readPage(path), 'text').find((block) => block.startsWith(start));
  if (shown === undefined) throw new Error(`${path} has no block that begins with ${start}.`);
  return shown;
}

/** A text without what is another each time: times, ids, numbers, the folders of paths. */
function formOf(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replace(/\b(batch|job)_[\w-]+/g, '<$1>')
    .replace(/(?<=\s)\/[\w./-]+\//g, '/')
    .replace(/[\d.,]*\d/g, '<n>');
}

/** How wide columns are depends on what stands in them. */
const withoutWidths = (text: string) => formOf(text).replace(/ {2,}/g, '  ');

describe('with a server of OpenAI', () => {
  let world: OpenAiWorld;

  beforeEach(async () => {
    world = await createOpenAiWorld();
  });

  afterEach(() => world.remove());

  /** Puts what a file of the state says of its creation three hours back. */
  async function makeOlder(): Promise<void> {
    for (const name of await world.listState()) {
      if (!/^(batches|jobs)\/.*\.json$/.test(name)) continue;
      const state = JSON.parse(await world.readState(name));
      await world.writeState(
        name,
        JSON.stringify({ ...state, created_at: new Date(Date.now() - 3 * hour).toISOString() }),
      );
    }
  }

  test('loom status', async () => {
    const submitted = await world.submitAs('finalizing', '--temperature', '0.5', '-m', 'gpt-4o-mini');
    await makeOlder();
    const created = Math.floor(Date.now() / 1000) - 3 * 3600;
    const times = { created_at: created, in_progress_at: created + 68, expires_at: created + 24 * 3600 };
    const counts = { total: 2, completed: 0, failed: 2 };
    world.openai.override = () => ({
      status: 200,
      body: { id: submitted, object: 'batch', status: 'finalizing', request_counts: counts, ...times },
    });
    const { stdout } = await world.loom('status', '--id', submitted);
    const shown = shownBlock('docs/reference/commands/status.md', 'id ').replaceAll(
      'prompts.json',
      'data.csv',
    );
    expect(withoutWidths(stdout)).toBe(
      withoutWidths(shown.replace('prompts_results', 'data_results').replace('mini.json', 'mini.csv')),
    );
  });

  test.skipIf(!hasTerminal)('loom list, at a terminal', async () => {
    const record = {
      ...{ batch_id: id, provider: 'openai', model: 'gpt-4o-mini', status: 'in_progress' },
      ...{
        original_file_path: '/home/ada/prompts.json',
        file_type: 'json',
        prompt_column: 'prompt',
        id_map: {},
      },
      created_at: new Date(Date.now() - 3.5 * hour).toISOString(),
      ...{ output_path: null, with_meta: false, counts: { total: 100, succeeded: 38, failed: 2 } },
    };
    await world.writeState(`batches/openai_${id}.json`, JSON.stringify(record));
    world.environment.TERM = 'xterm';
    const { text } = await atTerminal(world, ['list'], { before: 'stty cols 170' });
    const shown = shownBlock('docs/reference/commands/list.md', 'batch_id');
    expect(formOf(text.replaceAll('\r', ''))).toBe(formOf(shown));
  });
});

test('loom cache stats', async () => {
  const world = await createSandboxWorld();
  try {
    await world.write('large.csv', 'text\n[[sandbox:large 600000]] 1\n[[sandbox:large 600000]] 2\n');
    await world.write('small.csv', 'text\n[[sandbox:large 30000]]\n');
    await world.loom('run', '--sync', '-p', 'openai', '-m', 'gpt-4o-mini', '-f', 'large.csv', '-c', 'text');
    await world.loom(
      'run',
      '--sync',
      '-p',
      'anthropic',
      '-m',
      'claude-haiku-4-5',
      '-f',
      'small.csv',
      '-c',
      'text',
    );
    const { stdout } = await world.loom('cache', 'stats');
    const shown = shownBlock('docs/reference/commands/cache-stats.md', '1,240');
    expect(withoutWidths(stdout)).toBe(withoutWidths(shown).replace('/home/ada/.loom/', '/'));
  } finally {
    await world.remove();
  }
});
