/** Every vendor that speaks OpenAI's protocol, held to the contract. */
import { profiles } from '../../../src/providers/openai/profiles.ts';
import { describeBatchProvider, describeSyncProvider } from '../conformance.ts';
import { chatBatch, chatSync } from './wire.ts';

for (const profile of profiles) {
  describeSyncProvider(chatSync(profile));
  if (profile.batches) describeBatchProvider(chatBatch(profile));
}
