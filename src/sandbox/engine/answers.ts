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
import { Refused } from '../http/http.ts';
import { exampleOf } from './schemas.ts';

/** A request that is in order, in no vendor's form. */
export interface ModelRequest {
  readonly model: string;
  /** The text of the last message of the user. */
  readonly prompt: string;
  readonly promptTokens: number;
  readonly settings: AnswerSettings;
  /** In which it asks to be answered, where it does. */
  readonly tier?: string | undefined;
  /** How it was asked, where its vendor has another way than the usual one. */
  readonly api?: 'responses';
}

/** What a request wants of its answer. */
interface AnswerSettings {
  readonly maxTokens: number | undefined;
  readonly stops: readonly string[];
  readonly json: boolean;
  readonly schema: unknown;
}

type Outcome = 'text' | 'cut' | 'refused' | 'empty' | 'blocked' | 'error' | 'body-error' | 'choice-error';

/** An answer before it is put in a vendor's form. */
export interface Draft {
  readonly outcome: Outcome;
  readonly text: string;
  /** The stop text that the answer ended at. */
  readonly stop: string | undefined;
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

/** What a directive makes of an answer; the first that is in the prompt counts. */
const outcomes: readonly (readonly [directive: string, outcome: Outcome])[] = [
  ['refuse', 'refused'],
  ['empty', 'empty'],
  ['blocked', 'blocked'],
  ['error', 'error'],
  ['body-error', 'body-error'],
  ['choice-error', 'choice-error'],
  ['length', 'cut'],
];

type Directives = ReadonlyMap<string, number | undefined>;
const none: Directives = new Map();

/** The answer to a request. */
export function draftAnswer(request: ModelRequest): Draft {
  const { prompt, settings } = request;
  const directives = directivesIn(prompt);
  const outcome = outcomes.find(([directive]) => directives.has(directive))?.[1] ?? 'text';
  const hasText = outcome === 'text' || outcome === 'cut';
  const draft: Draft = {
    outcome,
    text: hasText ? formText(directedText(request, directives), request, directives) : '',
    stop: undefined,
    thinking: directives.has('thinking') ? `The sandbox thinks about: ${prompt.slice(0, 40)}` : undefined,
    status: [...directives].find(([name]) => name.endsWith('error'))?.[1] ?? 500,
    slowMs: directives.get('slow') ?? 0,
  };
  // A prompt that asks for a length gets it.
  return hasText
    ? shorten(draft, directives.has('large') ? { ...settings, maxTokens: undefined } : settings)
    : draft;
}

function directivesIn(prompt: string): Directives {
  if (!prompt.includes('[[sandbox:')) return none;
  const found = [...prompt.matchAll(directivePattern)];
  return new Map(
    found.map(([, name = '', value]) => [name, value === undefined ? undefined : Number(value)]),
  );
}

function directedText(request: ModelRequest, directives: Directives): string {
  const text = usualText(request);
  const length = directives.get('large');
  if (length !== undefined) return text.padEnd(length, ' and more of the same').slice(0, length);
  if (directives.has('separators')) return `${text} ${trapText}`;
  return directives.has('length') ? text.slice(0, Math.ceil(text.length / 2)) : text;
}

function usualText({ model, prompt }: ModelRequest): string {
  const beginning = `Sandbox answer from ${model}: `;
  if (prompt.length <= longestEcho) return beginning + prompt;
  // Whole characters only, so that no half of a surrogate pair goes out.
  const end = (prompt.charCodeAt(longestEcho - 1) & 0xfc00) === 0xd800 ? longestEcho - 1 : longestEcho;
  return `${beginning}${prompt.slice(0, end)}… (${promptHash(prompt).slice(0, 8)})`;
}

function formText(text: string, { settings }: ModelRequest, directives: Directives): string {
  if (directives.has('misfit')) return text;
  if (settings.schema !== undefined) return JSON.stringify(exampleOf(settings.schema, text));
  return settings.json ? JSON.stringify({ answer: text }) : text;
}

/** Ends the text at the first stop text, which is not part of it, and at the token limit. */
function shorten(draft: Draft, { stops, maxTokens }: AnswerSettings): Draft {
  const found = stops.filter((text) => draft.text.includes(text));
  const [stop] = found.sort((a, b) => draft.text.indexOf(a) - draft.text.indexOf(b));
  const text = stop === undefined ? draft.text : draft.text.slice(0, draft.text.indexOf(stop));
  if (maxTokens === undefined || countTokens(text) <= maxTokens) return { ...draft, text, stop };
  return { ...draft, text: text.slice(0, maxTokens * 4), outcome: 'cut' };
}

/** The error that a prompt asked for, in a live call or a row of a batch; 0 is a row without any status. */
export function refusalIn({ outcome, status: asked }: Draft): Refused | undefined {
  if (!outcome.endsWith('error')) return undefined;
  const status = asked > 0 && asked < 400 ? 500 : asked;
  return new Refused(status, `The prompt asked the sandbox for error ${status}.`);
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
