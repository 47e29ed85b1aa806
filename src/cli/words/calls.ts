/** How the way to a provider is told: requests one by one with --verbose, and tries again where they make people wait. */
import type { ReachEvent, RetryEvent } from '../../api/options/reach.ts';
import { titleOf } from '../../api/providers.ts';
import type { ProviderName } from '../../core/names.ts';
import { endSentence } from '../../core/words.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { showAddress } from './addresses.ts';

export type CallEvent = ReachEvent | RetryEvent;

const worthTellingMs = 1_000;
/** With many workers the same trouble comes many times: it is told once in a while, of each provider. */
const quietMs = 10_000;

/** A listener for one command. */
export function tellCalls(terminal: Terminal): (event: CallEvent) => void {
  const quietUntil = new Map<ProviderName, number>();

  function tellRetry(event: RetryEvent): void {
    const { provider, error, pauseMs } = event;
    const title = titleOf(provider);
    const now = Date.now();
    if (terminal.tellsDetails) terminal.detail(`${title}: ${describeRetry(event)}`);
    else if (pauseMs >= worthTellingMs && now >= (quietUntil.get(provider) ?? 0)) {
      quietUntil.set(provider, now + quietMs);
      terminal.note(
        `${title}: ${endSentence(error.message)} Trying again in ${Math.round(pauseMs / 1000)} s.`,
      );
    }
  }

  return (event) => {
    switch (event.type) {
      case 'retry':
        return tellRetry(event);
      case 'request':
        return terminal.detail(describeRequest(event));
      case 'place_of_folder':
        return terminal.warn(`${event.name} is ${event.value}, as ${event.path} says.`);
      case 'headers_to_folder': {
        const headers = nameHeaders(event.names);
        const address = `${showAddress(event.baseUrl)}, which ${event.path} names as ${event.baseUrlVariable}`;
        return terminal.warn(
          `${headers} of yours ${event.names.length === 1 ? 'goes' : 'go'} to ${address}.`,
        );
      }
      case 'key_of_folder':
        return terminal.warn(
          `the header ${event.name} takes the place of your key of ${titleOf(event.provider)}, as LOOM_HEADERS in ${event.path} says.`,
        );
      case 'headers_missing':
        return terminal.warn(describeMissing(event));
      case 'unverified':
        return terminal.note(
          `${event.title}: nobody has verified ${event.what}. Try a few rows first, with --sample 10.`,
        );
      case 'key_to_folder': {
        const key = nameKey(event);
        const address = `${showAddress(event.baseUrl)}, which ${event.path} names as ${event.baseUrlVariable}`;
        return terminal.warn(`${key} goes to ${address}.`);
      }
    }
  };
}

function describeMissing({ provider, names }: Extract<ReachEvent, { type: 'headers_missing' }>): string {
  return `a batch of ${titleOf(provider)} was submitted with ${nameHeaders(names)}: set LOOM_HEADERS, or pass --header.`;
}

function nameHeaders(names: readonly string[]): string {
  return `the header${names.length === 1 ? '' : 's'} ${names.join(', ')}`;
}

function nameKey({ keyVariable, isKept }: Extract<ReachEvent, { type: 'key_to_folder' }>): string {
  if (keyVariable) return `${keyVariable} of the environment`;
  return isKept ? 'the key that loom keys keeps' : 'the key of --api-key';
}

/** In our own words: those of a provider may hold the prompt. */
function describeRetry({ error, pauseMs, attempts }: RetryEvent): string {
  const { code, status, message } = error;
  const word = /^[\w.-]{1,64}$/.test(code) ? `, ${code}` : '';
  const reason = status === undefined ? message : `HTTP ${status}${word}.`;
  return `attempt ${attempts} failed: ${reason} Trying again in ${(pauseMs / 1000).toFixed(1)} s.`;
}

/** `POST api.openai.com/v1/batches 200, 412 ms, request req_abc` */
function describeRequest(request: Extract<ReachEvent, { type: 'request' }>): string {
  const { method, address, status, failure, durationMs, attempt, requestId } = request;
  const facts = [`${method} ${address} ${status ?? 'no answer'}`, `${durationMs} ms`];
  if (attempt > 1) facts.push(`attempt ${attempt}`);
  if (requestId) facts.push(`request ${requestId}`);
  return `${facts.join(', ')}${failure ? `: ${failure}` : ''}`;
}
