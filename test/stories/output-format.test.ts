/** `--output-format json`: one document on stdout, of the shape that the library's schemas tell. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import * as library from '../../src/index.ts';
import type { Ended } from '../program.ts';
import { createSandboxWorld, type SandboxWorld } from './sandbox-world.ts';

let world: SandboxWorld;

beforeEach(async () => {
  world = await createSandboxWorld();
  await world.write('data.csv', 'id,text\n1,Hello\n2,World\n3,\n');
});

afterEach(() => world.remove());

const json = ['--output-format', 'json'];

/** The document on stdout, which must hold nothing else, and no field that the schema does not know. */
function parseDocument<Document>({ stdout }: Ended, schema: { parse(value: unknown): Document }): Document {
  const value: unknown = JSON.parse(stdout);
  expect(schema.parse(value)).toEqual(value);
  return value as Document;
}

test('list without batches is an empty list', async () => {
  const ended = await world.loom('list', ...json);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(parseDocument(ended, library.listDocumentSchema)).toEqual({
    command: 'list',
    exit_code: 0,
    error: null,
    batches: [],
    damaged: [],
  });
});

test('cache clear tells what it removed, and without a terminal why not', async () => {
  await world.writeState(`cache/${'0'.repeat(64)}.json`, '{}');
  const refused = await world.loom('cache', 'clear', ...json);
  expect(refused.code).toBe(1);
  const folder = world.statePath('cache');
  expect(parseDocument(refused, library.cacheClearDocumentSchema)).toEqual({
    command: 'cache clear',
    exit_code: 1,
    error: {
      kind: 'state',
      message: `1 cached responses in ${folder} were not deleted: there is no terminal to ask on.`,
      hint: 'Pass --yes to delete them.',
    },
    folder,
    removed: 0,
  });
  const cleared = await world.loom('cache', 'clear', '--yes', ...json);
  expect(cleared).toMatchObject({ code: 0, stderr: 'Cache cleared. Removed 1 files.\n' });
  expect(parseDocument(cleared, library.cacheClearDocumentSchema)).toMatchObject({ removed: 1 });
});

test('a mistake in the flags is a document too, with exit 2', async () => {
  const ended = await world.loom('list', '--nonsense', ...json);
  expect(ended).toMatchObject({ code: 2, stderr: "Error: unknown option '--nonsense'\n" });
  expect(parseDocument(ended, library.errorDocumentSchema)).toEqual({
    command: null,
    exit_code: 2,
    error: { kind: 'usage', message: "unknown option '--nonsense'", hint: null },
  });
});
