/** How Google is told each setting. */
import { atMost, between, type ProviderSettings } from '../settings.ts';
import { tryGeminiSchema } from './schema.ts';

export const settings: ProviderSettings = {
  places: {
    system: (text) => ({ systemInstruction: { parts: [{ text }] } }),
    temperature: 'generationConfig.temperature',
    max_tokens: 'generationConfig.maxOutputTokens',
    top_p: 'generationConfig.topP',
    top_k: 'generationConfig.topK',
    stop: 'generationConfig.stopSequences',
    seed: 'generationConfig.seed',
    presence_penalty: 'generationConfig.presencePenalty',
    frequency_penalty: 'generationConfig.frequencyPenalty',
    effort: (effort) => ({
      generationConfig: { thinkingConfig: { thinkingLevel: effort.toUpperCase() } },
    }),
    json_mode: () => ({ generationConfig: { responseMimeType: 'application/json' } }),
    // Not responseJsonSchema, which batches misread (crmne/ruby_llm#894): a live trial is to ask what a batch asks.
    schema: (schema) => ({
      generationConfig: {
        responseMimeType: 'application/json',
        responseSchema: tryGeminiSchema(schema).schema,
      },
    }),
  },
  checks: {
    temperature: between(0, 2),
    max_tokens: between(1, 2 ** 31 - 1),
    top_p: between(0, 1),
    top_k: between(1, 2 ** 31 - 1),
    stop: atMost(5),
    seed: between(-(2 ** 31), 2 ** 31 - 1),
    presence_penalty: between(-2, 2),
    frequency_penalty: between(-2, 2),
    schema: (schema) => tryGeminiSchema(schema).problem,
  },
  reserved: ['model', 'contents'],
};
