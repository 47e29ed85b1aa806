/** The script and the style of a page, and the policy that lets nothing but them run and style. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/** Lies beside the chunk that this is bundled into. */
export async function readAsset(name: string): Promise<string> {
  return (await readFile(new URL(`./${name}`, import.meta.url), 'utf8')).trim();
}

/** Nothing is loaded from anywhere, and nothing runs or styles but what the hashes name. */
export function describePolicy(script: string, style: string): string {
  const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  return [
    "default-src 'none'",
    `script-src ${hash(script)}`,
    `style-src ${hash(style)}`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
}
