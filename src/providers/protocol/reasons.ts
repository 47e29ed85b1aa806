/**
 * Why a request was refused, wherever a server puts it. One reading for the refusals of calls and for the rows of batches,
 * at all vendors: an object `error` within an object, a text in its place, a list of errors, a `detail` as FastAPI has it,
 * JSON that was put into a text by a gateway, the words of an upstream beside those of a router, a web page.
 */
import { readJson } from '../../core/nesting.ts';
import { asCount, asList, asObject, asText, firstText, type WireObject } from '../network/wire.ts';

/** What a server says of a refusal. */
export interface Reason {
  /** Its own word, empty when it has none. */
  readonly code: string;
  /** A number in the place of the word: an HTTP status, or one of google.rpc.Code. */
  readonly number: number | undefined;
  readonly message: string;
}

const nothing: Reason = { code: '', number: undefined, message: '' };

/** No server wraps a reason deeper. */
const mostWrappings = 8;

/** Names of sentences, beside `message`. */
const sentences = ['msg', 'error_message', 'errorMessage', 'error_msg', 'error_description'];
/** Names of what may be a sentence, a list or an object. */
const containers = ['detail', 'details', 'errors', 'reason', 'title', 'description'];
/** Words that name no reason. */
const emptyWords = /^(?:error|fail(?:ed|ure)?|none|null|about:blank|[a-z]+:\/\/.*|[^a-z]*)$/i;

/** The reason in these places, the most telling first: its message and its word may stand in different ones. */
export function readReason(...places: readonly unknown[]): Reason {
  return joinReasons(places.map((place) => readPlace(place, mostWrappings)));
}

/** The first of each. */
function joinReasons(reasons: readonly Reason[]): Reason {
  return {
    code: firstText(...reasons.map(({ code }) => code)),
    number: reasons.map(({ number }) => number).find((number) => number !== undefined),
    message: firstText(...reasons.map(({ message }) => message)),
  };
}

function readPlace(place: unknown, depth: number): Reason {
  if (depth === 0 || !place) return nothing;
  if (typeof place === 'string') return readText(place, depth);
  if (typeof place !== 'object') return nothing;
  return Array.isArray(place) ? readList(place, depth) : readObject(asObject(place), depth);
}

function readObject(place: WireObject, depth: number): Reason {
  const readMember = (name: string) => readPlace(place[name], depth - 1);
  const own = {
    ...nothing,
    code: readWord(place.code, place.status, place.type),
    number: [place.code, place.status].map(asCount).find(Boolean),
  };
  // The error within says more than what is around it; in words, it may be the name of the HTTP status.
  const error = readMember('error');
  const order = typeof place.error === 'string' ? [own, 'message', error] : [error, own, 'message'];
  const { message, ...words } = joinReasons(
    [...order, ...sentences, ...containers].map((step) =>
      typeof step === 'string' ? readMember(step) : step,
    ),
  );
  // OpenRouter says "Provider returned error", with the upstream's own words beside it. Its code means something else here.
  const upstream = readPlace(asObject(place.metadata).raw, depth - 1).message;
  const told = [...new Set([readLocation(place, message), upstream])].filter((text) => text !== '');
  return { ...words, message: told.join(': ') };
}

function readWord(...values: readonly unknown[]): string {
  return firstText(...values.filter((value) => !emptyWords.test(asText(value))));
}

/** FastAPI tells where in the request a value is wrong: `{"loc": ["body", "temperature"], "msg": …}`. */
function readLocation({ loc }: WireObject, message: string): string {
  const steps = asList(loc).filter((step) => typeof step === 'string' || typeof step === 'number');
  return message && steps.length > 0 ? `${steps.join('.')}: ${message}` : message;
}

function readList(list: readonly unknown[], depth: number): Reason {
  const reasons = list.slice(0, mostRead).map((place) => readPlace(place, depth - 1));
  const told = reasons.filter(({ message }) => message !== '');
  const { code, number, message } = joinReasons(reasons);
  const others = told.length - 1 + Math.max(0, list.length - mostRead);
  return { code, number, message: message && others > 0 ? `${message} (and ${others} more)` : message };
}

/** So many of a list of errors are looked at. */
const mostRead = 100;
/** A reason is shorter, and what is longer is not taken apart. */
const longestReason = 1_000_000;

const webPage = /^<(?:!doctype|html|head|body|\?xml)/i;

/** A sentence, JSON that holds one, or a web page. */
function readText(text: string, depth: number): Reason {
  const trimmed = text.slice(0, longestReason).trim();
  if (/^["{[]/.test(trimmed)) {
    const reason = readPlace(readJson(trimmed), depth - 1);
    if (reason.message) return reason;
  }
  return { ...nothing, message: webPage.test(trimmed) ? stripTags(trimmed) : trimmed };
}

/** So much of a web page is looked at: its title stands near the beginning. */
const longestPage = 16_384;
const longestPageText = 200;

/** The text of a web page, without what stands in tags, styles and scripts. Goes over the page once. */
export function stripTags(page: string): string {
  const html = page.slice(0, longestPage);
  const pieces: string[] = [];
  let at = 0;
  while (at < html.length) {
    const open = html.indexOf('<', at);
    if (open === -1) break;
    pieces.push(html.slice(at, open));
    at = findTagEnd(html, open);
  }
  return [...pieces, html.slice(at)].join(' ').replace(/\s+/g, ' ').trim().slice(0, longestPageText);
}

/** Where the text goes on after a tag, a style or a script; at the page's end for one that does not end. */
function findTagEnd(html: string, open: number): number {
  const isHidden = /^<(?:style|script)\b/i.test(html.slice(open, open + 8));
  if (isHidden) hiddenEnd.lastIndex = open;
  const end = isHidden ? (hiddenEnd.exec(html)?.index ?? -1) : open;
  const close = end === -1 ? -1 : html.indexOf('>', end);
  return close === -1 ? html.length : close + 1;
}

const hiddenEnd = /<\/(?:style|script)/gi;
