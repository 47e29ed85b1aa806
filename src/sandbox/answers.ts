/**
 * What the sandbox answers: a function of the model, the prompt and what the request wants of the answer, the same in
 * live calls and in batches.
 *
 * A prompt can ask for what a real model may do. These directives are known:
 *
 * | in the prompt                  | the answer                                                                    |
 * |--------------------------------|-------------------------------------------------------------------------------|
 * | `[[sandbox:refuse]]`           | a refusal in the vendor's own form                                            |
 * | `[[sandbox:empty]]`            | a success without any text                                                    |
 * | `[[sandbox:blocked]]`          | the vendor's content filter                                                   |
 * | `[[sandbox:length]]`           | a text that was cut at the token limit                                        |
 * | `[[sandbox:error 400]]`        | that HTTP status; in a batch the failed row of that status                    |
 * | `[[sandbox:body-error 502]]`   | OpenRouter: HTTP 200 with an error body; elsewhere as `error`                 |
 * | `[[sandbox:choice-error 502]]` | OpenRouter: HTTP 200 with an error in the choice; elsewhere as `error`        |
 * | `[[sandbox:large 5000000]]`    | a text of that many characters                                                |
 * | `[[sandbox:separators]]`       | U+2028, U+2029, U+0085, quotes, commas, line ends and other traps in the text |
 * | `[[sandbox:thinking]]`         | reasoning blocks ahead of the text, where the vendor has them                 |
 * | `[[sandbox:misfit]]`           | a plain text where JSON was wanted                                            |
 * | `[[sandbox:slow 2000]]`        | a live answer that comes that many milliseconds later                         |
 */
import { hash } from 'node:crypto';
import { exampleOf } from './schemas.ts';

type Outcome = 'text' | 'cut' | 'refused' | 'empty' | 'blocked' | 'error' | 'body-error' | 'choice-error';

/** What a request wants of its answer, in no vendor's form. */
export interface Wish {
  readonly maxTokens: number | undefined;
  readonly stops: readonly string[];
  readonly json: boolean;
  readonly schema: unknown;
}

/** An answer before it is put in a vendor's form. */
export interface Draft {
  readonly outcome: Outcome;
  readonly text: string;
  /** The stop text that the answer ended at. */
  readonly stop?: string | undefined;
  readonly thinking: string | undefined;
  /** The HTTP status of an error. */
  readonly status: number;
  readonly slowMs: number;
}

const longestEcho = 300;
const directivePattern = /\[\[sandbox:([a-z-]+)(?: (\d+))?\]\]/g;
const trapText =
  'line separator \u2028 paragraph separator \u2029 next line \u0085 "double" \'single\' comma, semicolon; tab\t' +
  'back\\slash\r\nsecond line\n=SUM(A1) \u00e9\u{1f9f5} end';

/** The answer to a prompt. */
export function draftAnswer(model: string, prompt: string, wish: Wish): Draft {
  const draft = draftText(model, prompt);
  if (draft.outcome !== 'text' && draft.outcome !== 'cut') return draft;
  const isMisfit = prompt.includes('[[sandbox:misfit]]');
  const text = isMisfit ? draft.text : formText(draft.text, wish);
  // A prompt that asks for a length gets it.
  const maxTokens = prompt.includes('[[sandbox:large ') ? undefined : wish.maxTokens;
  return shorten({ ...draft, text }, { ...wish, maxTokens });
}

function formText(text: string, { json, schema }: Wish): string {
  if (schema !== undefined) return JSON.stringify(exampleOf(schema, text));
  return json ? JSON.stringify({ answer: text }) : text;
}

/** Ends the text at the first stop text, which is not part of it, and at the token limit. */
function shorten(draft: Draft, { stops, maxTokens }: Wish): Draft {
  const [stop] = stops
    .filter((text) => draft.text.includes(text))
    .sort((a, b) => draft.text.indexOf(a) - draft.text.indexOf(b));
  const text = stop === undefined ? draft.text : draft.text.slice(0, draft.text.indexOf(stop));
  if (maxTokens === undefined || countTokens(text) <= maxTokens) return { ...draft, text, stop };
  return { ...draft, text: text.slice(0, maxTokens * 4), outcome: 'cut' };
}

function draftText(model: string, prompt: string): Draft {
  if (!prompt.includes('[[sandbox:')) {
    return { outcome: 'text', text: usualText(model, prompt), thinking: undefined, status: 200, slowMs: 0 };
  }
  const directives = new Map<string, number | undefined>();
  for (const [, name, value] of prompt.matchAll(directivePattern)) {
    directives.set(name as string, value === undefined ? undefined : Number(value));
  }
  return directedAnswer(model, prompt, directives);
}

function directedAnswer(model: string, prompt: string, directives: Map<string, number | undefined>): Draft {
  const outcome = outcomeOf(directives);
  const status =
    directives.get('error') ?? directives.get('body-error') ?? directives.get('choice-error') ?? 500;
  return {
    outcome,
    text: outcome === 'text' || outcome === 'cut' ? directedText(model, prompt, directives) : '',
    thinking: directives.has('thinking') ? `The sandbox thinks about: ${prompt.slice(0, 40)}` : undefined,
    status,
    slowMs: directives.get('slow') ?? 0,
  };
}

function outcomeOf(directives: Map<string, number | undefined>): Outcome {
  if (directives.has('refuse')) return 'refused';
  if (directives.has('empty')) return 'empty';
  if (directives.has('blocked')) return 'blocked';
  if (directives.has('error')) return 'error';
  if (directives.has('body-error')) return 'body-error';
  if (directives.has('choice-error')) return 'choice-error';
  return directives.has('length') ? 'cut' : 'text';
}

function directedText(model: string, prompt: string, directives: Map<string, number | undefined>): string {
  const text = usualText(model, prompt);
  const length = directives.get('large');
  if (length !== undefined) return text.padEnd(length, ' and more of the same').slice(0, length);
  if (directives.has('separators')) return `${text} ${trapText}`;
  return directives.has('length') ? text.slice(0, Math.ceil(text.length / 2)) : text;
}

function usualText(model: string, prompt: string): string {
  const beginning = `Sandbox answer from ${model}: `;
  if (prompt.length <= longestEcho) return beginning + prompt;
  // Whole characters only, so that no half of a surrogate pair goes out.
  const end = (prompt.charCodeAt(longestEcho - 1) & 0xfc00) === 0xd800 ? longestEcho - 1 : longestEcho;
  return `${beginning}${prompt.slice(0, end)}… (${promptHash(prompt).slice(0, 8)})`;
}

/** By this the statistics know a prompt: the first 16 hex digits of its SHA-256. */
export function promptHash(prompt: string): string {
  return hash('sha256', prompt, 'hex').slice(0, 16);
}

/** Tokens of a text, near enough: a quarter of its length. */
export function countTokens(text: string): number {
  return Math.ceil(text.length / 4);
}

/** True for the model names that stand for a model which does not exist. */
export function isUnknownModel(model: string): boolean {
  return model.startsWith('no-such-');
}
