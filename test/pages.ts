/** The pages that people read, and the parts of them that tests try. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');

/** The text of a page, such as `docs/guide/pipes.md`. */
export function readPage(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** What stands under a heading, up to the next one. */
export function readSection(path: string, heading: string): string {
  const sections = readPage(path).split(/^#{2,4} /m);
  return sections.find((text) => text.startsWith(`${heading}\n`)) ?? '';
}

/** The blocks of code in a language, in order. */
export function blocksOf(text: string, language: string): string[] {
  const blocks = text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm);
  return [...blocks].flatMap(([, name, block = '']) => (name === language ? [block] : []));
}
