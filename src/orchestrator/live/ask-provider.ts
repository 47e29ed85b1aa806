/**
 * Calls with a schema, also where a server or a model has no structured output: what is refused for that is asked once
 * more with the schema in the system text, and so is everything after it. Whether answers fit is checked in any case.
 */
import type { GenerationSettings, RowResult } from '../../core/models.ts';
import type { PromptRequest } from '../../core/request/content.ts';
import type { SyncProvider } from '../../providers/provider.ts';
import { isSchemaRefusal, tellSchema } from '../answers/told-schema.ts';

interface Refusals {
  /** A request was refused for its schema, for the first time, in these words of the server. */
  onRefused(reason: string): void;
  /** A request with the schema in words was taken, for the first time, and none without: it was that. */
  onTold(reason: string): Promise<void>;
}

export function createAsk(
  provider: Pick<SyncProvider, 'generate'>,
  { onRefused, onTold }: Refusals,
): (request: PromptRequest, signal: AbortSignal) => Promise<RowResult> {
  let reason: string | undefined;
  let isTold = false;
  let isTakenAsField = false;
  const inWords = new WeakMap<GenerationSettings, GenerationSettings>();

  function tellInWords({ settings = {}, ...request }: PromptRequest): PromptRequest {
    const told = inWords.get(settings) ?? tellSchema(settings);
    inWords.set(settings, told);
    return { ...request, settings: told };
  }

  async function askInWords(request: PromptRequest, signal: AbortSignal, why: string): Promise<RowResult> {
    const result = await provider.generate(tellInWords(request), signal);
    const isFirst = !isTold;
    isTold = true;
    if (isFirst && !isTakenAsField) await onTold(why);
    return result;
  }

  return async (request, signal) => {
    if (!request.settings?.schema) return provider.generate(request, signal);
    if (reason !== undefined) return askInWords(request, signal, reason);
    try {
      const result = await provider.generate(request, signal);
      isTakenAsField = true;
      return result;
    } catch (error) {
      if (!isSchemaRefusal(error)) throw error;
      const isFirst = reason === undefined;
      reason ??= error.message;
      if (isFirst) onRefused(reason);
      return askInWords(request, signal, reason);
    }
  };
}
