/** Names of entries of the cache, spelled out. */
import { createHash } from 'node:crypto';

/** Of what a key is made of, in its order. */
export function hashKey(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('|')).digest('hex');
}

/** Who answers as OpenAI in a world, as entries name it. */
export function openaiOf({ environment }: { readonly environment: Record<string, string> }): string {
  return environment.OPENAI_BASE_URL as string;
}

/** The same where that is a sandbox, which is known by its mark. */
export function sandboxOf(world: Parameters<typeof openaiOf>[0]): string {
  return `sandbox ${openaiOf(world)}`;
}
