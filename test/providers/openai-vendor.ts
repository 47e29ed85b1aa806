/** The wire texts that OpenAI's and OpenRouter's tests share. */
import { apiKey } from './conformance.ts';

export const chatVariables = {
  OPENAI_BASE_URL: 'http://127.0.0.1:9/stray',
  OPENAI_API_KEY: 'stray-key-0123456789',
  OPENAI_ADMIN_KEY: 'stray-admin-0123456789',
  OPENAI_CUSTOM_HEADERS: 'x-stray: 1\nauthorization: Bearer stray',
  OPENAI_LOG: 'debug',
};

export const refusedChatKey = {
  status: 401,
  body: {
    error: {
      message: `Incorrect API key provided: ${apiKey}. Also known as conf****************cdef.`,
      type: 'invalid_request_error',
      param: null,
      code: 'invalid_api_key',
    },
  },
};

const choice = (message: object | null, finish_reason: string | null = 'stop') => ({
  choices: [{ message, finish_reason }],
});

export const chatAnswers = [
  ['an empty text', choice({ content: '' }), 'empty'],
  ['a null', choice({ content: null, refusal: null }), 'empty'],
  ['no choices', { choices: [] }, 'empty'],
  ['a choice without a message', choice(null), 'empty'],
  ['a refusal', choice({ content: null, refusal: 'I can not help with that.' }), 'refusal'],
  ['a filtered text', choice({ content: 'half of ' }, 'content_filter'), 'content_filter'],
  ['a token limit without a text', choice({ content: '' }, 'length'), 'max_tokens'],
] as const;
