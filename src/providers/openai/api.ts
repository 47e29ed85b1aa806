/** The two APIs for answers at OpenAI and at servers that speak like it: which of them is asked, and whose an answer is. */
import type { GenerationSettings, RowResult } from '../../core/models.ts';
import type { PromptRequest } from '../../core/request/content.ts';
import type { WireObject } from '../network/wire.ts';
import { findHeld } from '../protocol/wrappings.ts';
import { chatBody, isCompletion, readChatAnswer } from './chat.ts';
import type { Profile } from './profile.ts';
import { isResponse, readResponse, responsesBody } from './responses.ts';

interface Api {
  /** Below the base URL. */
  readonly path: string;
  /** What it answers with. */
  readonly answers: string;
  body(profile: Profile, request: PromptRequest): { readonly model: string };
  /** What requests of a batch are sent to, by the vendor's word for chat completions. */
  endpoint(chatEndpoint: string): string;
}

const chatApi: Api = {
  path: '/chat/completions',
  answers: 'chat completion',
  body: chatBody,
  endpoint: (chatEndpoint) => chatEndpoint,
};

const responsesApi: Api = {
  path: '/responses',
  answers: 'response',
  body: responsesBody,
  endpoint: (chatEndpoint) => chatEndpoint.replace(/chat\/completions$/, 'responses'),
};

export function apiOf(settings: GenerationSettings | undefined): Api {
  return settings?.api === 'responses' ? responsesApi : chatApi;
}

/** What holds an answer of either API, however it is wrapped: some servers answer in the form of the other. */
export function findAnswer(answer: unknown): WireObject | undefined {
  return findHeld(answer, (object) => isCompletion(object) || isResponse(object));
}

export function readAnswer(customId: string, body: WireObject): RowResult {
  return isCompletion(body) ? readChatAnswer(customId, body) : readResponse(customId, body);
}
