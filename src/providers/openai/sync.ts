/** OpenAI, one chat completion per prompt. */

import type { Connection } from '../connection.ts';
import type { SyncProvider } from '../provider.ts';
import { openAi, openChatSync } from './chat.ts';

export function openSync(connection: Connection): Promise<SyncProvider> {
  return openChatSync(connection, openAi);
}
