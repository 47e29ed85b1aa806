/**
 * A schema that is told in words, where a server or a model has no structured output: how it is said, and by what it is
 * known that it has to be. Who asks so files the answers as if the schema had been asked for in the provider's own way:
 * what was asked is the same, and every answer is checked in any case.
 */
import { ProviderError } from '../../core/errors.ts';
import type { GenerationSettings, JsonObject, RowResult } from '../../core/models.ts';

/** The same settings with the schema at the end of the system text; as they are where there is none. */
export function tellSchema(settings: GenerationSettings): GenerationSettings {
  const { schema, system, ...others } = settings;
  if (!schema) return settings;
  return { ...others, system: [system, describeSchema(schema)].filter(Boolean).join('\n\n') };
}

/** What a model is told that gets the schema in words. */
export function describeSchema(schema: JsonObject): string {
  return `Answer with nothing but JSON that fits this JSON Schema: ${JSON.stringify(schema)}`;
}

const refusalStatuses = [400, 404, 422, 501];

/** Whether a call was refused because there is no structured output; that this schema is not liked is another matter. */
export function isSchemaRefusal(error: unknown): error is ProviderError {
  if (!(error instanceof ProviderError) || !refusalStatuses.includes(error.status ?? 0)) return false;
  return !otherKinds.test(error.code) && saysNoSchemas(error.message);
}

/**
 * Kinds of failed rows by which it was the model that refused, or the server that failed. `json_validate_failed` is Groq's
 * word for an answer that does not fit: structured output is there (https://console.groq.com/docs/errors).
 */
const otherKinds =
  /^(?:refusal|content_filter|max_tokens|empty|server_error|json_validate_failed|http_(?!400|404|422|501))/;

/** Why a row of a batch was refused, if it was for that; it has no status. One that tells of tokens is an answer. */
export function findSchemaRefusal(result: RowResult): string | undefined {
  if (result.outcome !== 'failed' || result.usage || otherKinds.test(result.error.kind)) return undefined;
  return saysNoSchemas(result.error.message) ? result.error.message : undefined;
}

/** The field by which a provider is told a schema, or what they call it. */
const schemaWords =
  /response_?format|json.?schema|structured.?output|output_(?:config|format)|response_?schema|response_?mime_?type|json mode/i;
const lackWords =
  /not (?:\w+ )?(?:support|available|implement|allow|permit|enabled|recogni[sz]e)|(?:doesn|isn|aren)['’]t (?:\w+ )?(?:support|available|enabled)|unsupported|unavailable|unknown|unrecogni[sz]ed|unexpected|extra (?:inputs|fields?)|supported values are|input should be|must be one of/i;

/** What is said of a schema, or of an answer to it, by who has structured output. */
const otherWords =
  /invalid schema|(?:does|do|did) not (?:match|validate|conform|fit)|failed to (?:generate|validate|parse)|generated json|(?:allowed|permitted) by\b|unexpected (?:end|token|character)/i;

/** Whether a server says that it has no such thing. */
export function saysNoSchemas(message: string): boolean {
  return schemaWords.test(message) && lackWords.test(message) && !otherWords.test(message);
}
