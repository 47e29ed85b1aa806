/** CONTRIBUTING.md and comments name files as they are. */
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { expect, test } from 'vitest';

const project = resolve(import.meta.dirname, '..');

/** What lies below some folders, by its path from the project's: files, and folders with a slash behind. */
async function listPaths(): Promise<string[]> {
  const folders = ['src', 'test', 'scripts', 'bench', 'examples'];
  const entries = await Promise.all(
    folders.map((folder) => readdir(join(project, folder), { recursive: true, withFileTypes: true })),
  );
  return entries.flat().map((entry) => {
    const path = relative(project, join(entry.parentPath, entry.name)).replaceAll(sep, '/');
    return entry.isDirectory() ? `${path}/` : path;
  });
}

test('every test that a comment of the program names is there', async () => {
  const paths = await listPaths();
  const sources = await Promise.all(
    paths.filter((path) => /^src\/.*\.ts$/.test(path)).map((path) => readFile(join(project, path), 'utf8')),
  );
  const named = sources.flatMap((source) => source.match(/\btest\/[\w./-]+\.ts\b/g) ?? []);
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((name) => !paths.includes(name))).toEqual([]);
});

test('every file and folder that it names is there', async () => {
  const page = await readFile(join(project, 'CONTRIBUTING.md'), 'utf8');
  // What is to be added in the example of a provider is not there yet.
  const text = page.replace(/^ *```.*?^ *```$/gms, '');
  const named = [...text.matchAll(/`([\w./-]+(?:\.ts|\.mjs)|(?:src|test)\/[\w./-]+)`/g)].map(
    ([, name]) => name,
  );
  expect(named.length).toBeGreaterThan(50);
  const paths = await listPaths();
  const missing = named.filter((name) => !paths.some((path) => path === name || path.endsWith(`/${name}`)));
  expect(missing).toEqual([]);
});

test('each step of a command names its own file by its whole path, and imports lead from one to the next', async () => {
  const page = await readFile(join(project, 'CONTRIBUTING.md'), 'utf8');
  const [, section = ''] = /^## How a command flows$(.*?)^## /ms.exec(page) ?? [];
  const steps = [...section.matchAll(/^\d+\. `?(.*)$/gm)].map(([, step = '']) =>
    [...step.matchAll(/(src\/[\w./-]+\.ts)/g)].map(([path]) => path),
  );
  expect(steps.length).toBeGreaterThanOrEqual(8);
  for (const [index, paths] of steps.entries()) {
    const before = steps.slice(0, index).flat();
    if (index === 0) continue;
    const sources = await Promise.all(before.map((path) => readFile(join(project, path), 'utf8')));
    const isReached = paths.some((path) =>
      sources.some((source) => source.includes(`/${path.split('/').at(-1)}'`)),
    );
    expect(isReached, `something before step ${index + 1} imports one of ${paths.join(', ')}`).toBe(true);
  }
});
