/**
 * Calls with a schema, also where a server or a model has no structured output: what is refused for that is asked once
 * more with the schema in the system text, and so is everything after it. Whether answers fit is checked in any case.
 */
import { ProviderError } from '../../core/errors.ts';
import type { GenerationSettings, JsonObject, RowResult } from '../../core/models.ts';
import type { PromptRequest } from '../../core/request/content.ts';
import type { SyncProvider } from '../../providers/provider.ts';

/** `onRefused` is called when a request is refused for its schema, with the server's words. */
export function createAsk(
  provider: Pick<SyncProvider, 'generate'>,
  onRefused: (reason: string) => void,
): (request: PromptRequest, signal: AbortSignal) => Promise<RowResult> {
  let isRefused = false;
  const inWords = new WeakMap<GenerationSettings, GenerationSettings>();

  function tellInWords({ settings = {}, ...request }: PromptRequest): PromptRequest {
    const told = inWords.get(settings) ?? schemaInSystem(settings);
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
      if (!isRefused) onRefused(error.message);
      isRefused = true;
      return provider.generate(tellInWords(request), signal);
    }
  };
}

function schemaInSystem({ schema, system, ...settings }: GenerationSettings): GenerationSettings {
  const told = schema && describeSchema(schema);
  return { ...settings, system: [system, told].filter(Boolean).join('\n\n') };
}

/** What a model is told that gets the schema in words. */
export function describeSchema(schema: JsonObject): string {
  return `Answer with nothing but JSON that fits this JSON Schema: ${JSON.stringify(schema)}`;
}

/** The field by which a provider is told a schema, or what they call it. */
const schemaWords =
  /response_?format|json_?schema|structured.?output|output_(?:config|format)|response_?schema/i;
const lackWords =
  /not (?:\w+ )?(?:support|available|implement|allow|permit|recogni[sz]e)|(?:doesn|isn|aren)['’]t (?:\w+ )?(?:support|available)|unsupported|unavailable|unknown|unrecogni[sz]ed|unexpected|extra (?:inputs|fields?)/i;

/** Whether a server said that it has no such thing; that it does not like this schema is another matter. */
function isSchemaRefusal(error: unknown): error is ProviderError {
  if (!(error instanceof ProviderError) || ![400, 404, 422, 501].includes(error.status ?? 0)) return false;
  const { message } = error;
  return schemaWords.test(message) && lackWords.test(message) && !/invalid schema/i.test(message);
}
