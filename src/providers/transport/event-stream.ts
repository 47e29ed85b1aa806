/**
 * Answers that come in pieces, though nobody asked for a stream: server-sent events, or a list of pieces as Google has
 * it. Some proxies and servers stream whatever they are asked. The pieces are put together in the form that a whole answer
 * has at their vendor. A stream without its end is none.
 */
import { asList, asObject, asText, type WireObject } from '../network/wire.ts';
import { findObject, saysSomething } from '../protocol/wrappings.ts';

/** The answer that a text of server-sent events comes to; undefined for any other text, and for half an answer. */
export function readEventStream(text: string): WireObject | undefined {
  if (!/^\s*(?:data|event|id|retry)?:/.test(text)) return undefined;
  const lines = text.split(/[\r\n]+/).filter((line) => line.startsWith('data:'));
  const data = lines.map((line) => line.slice('data:'.length).trim());
  const events = data.map(findObject).filter((event) => event !== undefined);
  return joinPieces(events, data.includes('[DONE]'));
}

/** The answer that pieces come to. `isEnded`: the stream itself said so. */
export function joinPieces(pieces: readonly WireObject[], isEnded = false): WireObject | undefined {
  const refused = pieces.find(({ error }) => saysSomething(error));
  if (refused) return refused;
  if (pieces.some(({ type }) => type === 'message_start')) return joinMessage(pieces);
  if (pieces.some(({ candidates }) => Array.isArray(candidates))) return joinContent(pieces);
  if (pieces.some((piece) => 'delta' in firstOf(piece.choices))) return joinCompletion(pieces, isEnded);
  return pieces.length === 1 ? pieces[0] : undefined;
}

function firstOf(list: unknown): WireObject {
  return asObject(asList(list)[0]);
}

function lastText(texts: readonly unknown[]): string | undefined {
  return texts.map(asText).findLast((text) => text !== '');
}

/** Chunks of a chat completion; the usage comes in the last, which has no choices. */
function joinCompletion(chunks: readonly WireObject[], isEnded: boolean): WireObject | undefined {
  const choices = chunks.map(({ choices }) => firstOf(choices));
  const join = (name: string) => choices.map(({ delta }) => asText(asObject(delta)[name])).join('');
  const finish = lastText(choices.map(({ finish_reason }) => finish_reason));
  if (finish === undefined && !isEnded) return undefined;
  const message = { role: 'assistant', content: join('content'), refusal: join('refusal') };
  const usage = chunks.map((chunk) => chunk.usage).findLast(saysSomething);
  return { choices: [{ index: 0, message, finish_reason: finish ?? null }], usage };
}

/** Events of a message: its beginning, the text of its blocks bit by bit, and what is known at its end. */
function joinMessage(events: readonly WireObject[]): WireObject | undefined {
  const started = asObject(events.find(({ type }) => type === 'message_start')?.message);
  const ends = events.filter(({ type }) => type === 'message_delta');
  const stop = lastText(ends.map(({ delta }) => asObject(delta).stop_reason));
  if (stop === undefined) return undefined;
  const text = events.map(({ delta }) => asText(asObject(delta).text)).join('');
  const usage = { ...asObject(started.usage), ...asObject(ends.at(-1)?.usage) };
  return { ...started, content: [{ type: 'text', text }], stop_reason: stop, usage };
}

/** Parts of Google's first candidate. */
function joinContent(pieces: readonly WireObject[]): WireObject | undefined {
  const candidates = pieces.map((piece) => firstOf(piece.candidates));
  const finishReason = lastText(candidates.map((candidate) => candidate.finishReason));
  if (finishReason === undefined) return undefined;
  const parts = candidates.flatMap(({ content }) => asList(asObject(content).parts));
  const usageMetadata = pieces.map((piece) => piece.usageMetadata).findLast(saysSomething);
  return { candidates: [{ content: { role: 'model', parts }, finishReason }], usageMetadata };
}
