/**
 * Calls with a schema, also where a server or a model has no structured output: what is refused for that is asked once
 * more with the schema in the system text, and so is everything after it. Whether answers fit is checked in any case.
 */
import type { GenerationSettings, RowResult } from '../../core/models.ts';
import type { PromptRequest } from '../../core/request/content.ts';
import type { SyncProvider } from '../../providers/provider.ts';
import { isSchemaRefusal, tellSchema } from '../answers/told-schema.ts';

/** `onRefused` is called once, when a request is refused for its schema, with the server's words. */
export function createAsk(
  provider: Pick<SyncProvider, 'generate'>,
  onRefused: (reason: string) => Promise<void>,
): (request: PromptRequest, signal: AbortSignal) => Promise<RowResult> {
  let isRefused = false;
  const inWords = new WeakMap<GenerationSettings, GenerationSettings>();

  function tellInWords({ settings = {}, ...request }: PromptRequest): PromptRequest {
    const told = inWords.get(settings) ?? tellSchema(settings);
    inWords.set(settings, told);
    return { ...request, settings: told };
  }

  return async (request, signal) => {
    if (!request.settings?.schema) return provider.generate(request, signal);
    if (isRefused) return provider.generate(tellInWords(request), signal);
    try {
      return await provider.generate(request, signal);
    } catch (error) {
      if (!isSchemaRefusal(error)) throw error;
      const isFirst = !isRefused;
      isRefused = true;
      if (isFirst) await onRefused(error.message);
      return provider.generate(tellInWords(request), signal);
    }
  };
}
