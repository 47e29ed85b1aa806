/** What is said of servers and models without structured output. */
import type { FetchEvent } from '../../api/fetch-batches.ts';
import { endSentence } from '../../core/words.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { countOf, formatCount } from './counts.ts';

/** Of an event about a batch. */
type SchemaEvent = Extract<FetchEvent, { type: 'schema_known' | 'schema_refused' }>;

const checked = 'and answers are checked all the same.';

export function tellSchemaEvent(event: SchemaEvent, terminal: Terminal): void {
  terminal.note(event.type === 'schema_known' ? describeKnown(event) : describeRefused(event));
}

/** In a live run, for the server's reason. */
export function describeLiveRefusal(reason: string): string {
  return `Note: structured output is refused (${endSentence(reason)}) The schema is told in the system text from here on, ${checked}`;
}

function describeKnown({ refusal }: Extract<SchemaEvent, { type: 'schema_known' }>): string {
  const { model, reason, refused_at } = refusal;
  const day = refused_at.slice(0, 10);
  return `Note: ${model} refused structured output for this schema on ${day} (${endSentence(reason)}) The schema is told in the system text, ${checked}`;
}

function describeRefused(event: Extract<SchemaEvent, { type: 'schema_refused' }>): string {
  const { name, reason, refused, requests, isRemembered, useCache, isSentAgain } = event;
  const rows = `${formatCount(refused)} of ${countOf(requests, 'row')}`;
  const what = `Note: ${name}: structured output is refused (${endSentence(reason)})`;
  if (isSentAgain)
    return `${what} Nothing of it was answered or billed: it is sent again with the schema in the system text, ${checked}`;
  const asked = useCache ? 'the rows without an answer' : 'all rows again';
  const how = isRemembered ? `, with the schema in the system text, ${checked}` : '.';
  return `${what} ${rows} failed for that, unbilled; the same loom run command with --force asks for ${asked}${how}`;
}
