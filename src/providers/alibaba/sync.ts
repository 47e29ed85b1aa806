/** Alibaba Cloud Model Studio (DashScope, Qwen): OpenAI's client at another address, with refusals of its own. */

import type { Connection } from '../connection.ts';
import { type ChatVendor, classifyOpenAi, openChatSync } from '../openai/chat.ts';
import type { Classify } from '../protocol/refusal.ts';
import type { SyncProvider } from '../provider.ts';

export function openSync(connection: Connection): Promise<SyncProvider> {
  return openChatSync(connection, modelStudio);
}

/** Words of "Error messages" in Model Studio's documentation. */
const classifyModelStudio: Classify = (refusal) => {
  // `insufficient_quota` is what it says to too many tokens a minute; OpenAI says it to an empty account.
  if (refusal.status === 429) return { scope: 'retry' };
  if (refusal.code === 'Arrearage') return { scope: 'run' };
  return classifyOpenAi(refusal);
};

/** Keys, addresses and models are those of one region; this one is Singapore. */
export const modelStudio: ChatVendor = {
  name: 'alibaba',
  classify: classifyModelStudio,
  accountHeaders: false,
};
