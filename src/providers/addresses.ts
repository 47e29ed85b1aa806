/** Where the vendors themselves are: the first of each where nothing else is said, the others in other regions. */
import type { ProviderName } from '../core/models.ts';

/** Without the slash at the end, as `plainAddress` has it. */
export const ownAddresses: Readonly<Record<ProviderName, readonly [string, ...string[]]>> = {
  openai: [
    'https://api.openai.com/v1',
    // "Data residency": https://platform.openai.com/docs/guides/your-data
    ...['us', 'eu', 'au', 'ca', 'jp', 'in', 'sg', 'kr', 'gb', 'ae'].map(
      (region) => `https://${region}.api.openai.com/v1`,
    ),
  ],
  anthropic: ['https://api.anthropic.com'],
  google: ['https://generativelanguage.googleapis.com'],
  openrouter: ['https://openrouter.ai/api/v1', 'https://eu.openrouter.ai/api/v1'],
  alibaba: [
    'https://dashscope-intl.aliyuncs.com/compatible-mode/v1',
    'https://dashscope.aliyuncs.com/compatible-mode/v1',
    'https://dashscope-us.aliyuncs.com/compatible-mode/v1',
    'https://cn-hongkong.dashscope.aliyuncs.com/compatible-mode/v1',
  ],
};

/**
 * An address as answers belong to it: scheme, host, port and path, each written in one way; without user, query, or the
 * slash at its end.
 */
export function plainAddress(address: string): string {
  const { protocol, host, pathname } = new URL(address);
  // A dot at the end of a host says that it is whole.
  return `${protocol}//${host.replace(/\.(?=:\d+$|$)/, '')}${pathname.replace(/\/+$/, '')}`;
}
