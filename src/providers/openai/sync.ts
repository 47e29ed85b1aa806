/** OpenAI, one chat completion per prompt. */
import { openAi, openChatSync } from './chat.ts';
import type { Connection, SyncProvider } from '../provider.ts';

export function openSync(connection: Connection): Promise<SyncProvider> {
  return openChatSync(connection, openAi);
}
