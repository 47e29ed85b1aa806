/**
 * Headers that people give for their calls: a gateway's key, or its word on where a request goes. Their values are
 * secrets, and no error here repeats one.
 */
import { LoomError } from '../errors.ts';
import { looksSecret } from '../secret-shapes.ts';

/** Name, as it was written, → value. A name as `openai/X-Team` is for that provider alone. */
export type GivenHeaders = Readonly<Record<string, string>>;

/** What loom, the connection or a step of a protocol says by itself, or would be broken by. */
const refusedNames = new Set([
  ...['host', 'content-length', 'content-type', 'content-encoding', 'transfer-encoding', 'accept'],
  ...['accept-encoding', 'connection', 'keep-alive', 'upgrade', 'te', 'trailer', 'expect', 'range'],
  ...['proxy-connection', 'proxy-authorization', 'anthropic-version'],
]);
const refusedStart = 'x-goog-upload-';
/** One value for all would make of all requests the first. */
const namesOfOneRequest = new Set(['idempotency-key', 'x-idempotency-key']);

const token = /^[\w!#$%&'*+.^`|~-]+$/;

/** The headers of texts as `Name: value`, the later of two with one name. LoomError `usage` for what is none. */
export function readHeaders(texts: readonly string[]): GivenHeaders {
  const read = texts.map((text, index): [string, string] => {
    const at = text.indexOf(':');
    const name = text.slice(0, at).trim();
    if (at === -1 || !token.test(withoutProvider(name))) throw noHeader(`header ${index + 1}`);
    return [name, text.slice(at + 1).trim()];
  });
  return Object.fromEntries(read);
}

/** The headers in a variable: a line for each, or one JSON object. */
export function readHeaderVariable(text: string): GivenHeaders {
  const plain = text
    .trim()
    .replace(/^(["'])(.*)\1$/s, '$2')
    .trim();
  if (plain.startsWith('{')) return readObject(plain);
  // Files of variables have two characters for a line end.
  return readHeaders(plain.split(/\r?\n|\\n/).filter((line) => line.trim() !== ''));
}

function readObject(text: string): GivenHeaders {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {}
  const isOfTexts = value && Object.values(value).every((member) => typeof member === 'string');
  if (!isOfTexts) throw new LoomError('usage', 'the headers are not a JSON object of texts.');
  return value as GivenHeaders;
}

function noHeader(which: string): LoomError {
  return new LoomError('usage', `${which} is not of the form 'Name: value'.`, {
    hint: 'A name is made of letters, digits and "-", as in X-Team.',
  });
}

/** LoomError `usage` for a header that no request can have, or that is not for people to say. */
export function checkHeaders(given: GivenHeaders): void {
  for (const [index, [full, value]] of Object.entries(given).entries()) {
    const name = withoutProvider(full);
    if (!token.test(name)) throw noHeader(`header ${index + 1}`);
    const fault = findFault(name.toLowerCase(), value);
    if (fault) throw new LoomError('usage', `the header ${looksSecret(name) ? '[key]' : name} ${fault}`);
  }
}

function findFault(name: string, value: unknown): string | undefined {
  if (refusedNames.has(name) || name.startsWith(refusedStart))
    return "can't be given: loom says it by itself, or a request would not arrive.";
  if (namesOfOneRequest.has(name)) return "can't be given: it would be the same for all requests.";
  if (typeof value !== 'string' || value.trim() === '') return 'has no value.';
  if (/[\r\n]/.test(value)) return 'has a line end in its value.';
  if (!/^[\t\x20-\x7e]+$/.test(value)) return 'has characters in its value that no header takes.';
  return undefined;
}

/** Those for one provider, without its name: a later set goes before an earlier one, and a name with a provider before one without. */
export function pickHeaders(provider: string, ...sets: readonly GivenHeaders[]): GivenHeaders {
  const picked = new Map<string, [string, string]>();
  for (const given of sets) {
    const entries = Object.entries(given);
    const own = entries.filter(([name]) => providerOf(name) === provider);
    const common = entries.filter(([name]) => providerOf(name) === undefined);
    for (const [full, value] of [...common, ...own]) {
      const name = withoutProvider(full);
      picked.set(name.toLowerCase(), [name, value.trim()]);
    }
  }
  return Object.fromEntries(picked.values());
}

/** The provider that a header is for alone, if it names one. */
export function providerOf(name: string): string | undefined {
  const at = name.indexOf('/');
  return at === -1 ? undefined : name.slice(0, at).trim();
}

function withoutProvider(name: string): string {
  return name.slice(name.indexOf('/') + 1).trim();
}

/** Headers in which a provider takes a key: with one of them no other is needed. */
const keyNames = ['authorization', 'x-api-key', 'x-goog-api-key', 'api-key'];

export function holdsKey(headers: GivenHeaders): boolean {
  return Object.keys(headers).some((name) => keyNames.includes(name.toLowerCase()));
}

/** Those that are missing: names that were there once, in any case. */
export function listMissing(names: readonly string[], headers: GivenHeaders): string[] {
  const given = Object.keys(headers).map((name) => name.toLowerCase());
  return names.filter((name) => !given.includes(name.toLowerCase()));
}

const credential =
  /(^|-)(auth|jwt|cookie|signature)(-|$)|(authorization|key|token|secret|password|credentials?)$/;
const account =
  /^(openai-organization|openai-project|anthropic-workspace-id|x-goog-user-project|user-agent)$/;
const trace = /^(traceparent|tracestate|baggage)$|(client|request|trace|correlation|session|span|run)-?id$/;

/**
 * Whether a header only says who asks, as a key does, or which call it is; told by its name. Any other may lead to another
 * model.
 */
export function isOfCaller(name: string): boolean {
  const plain = name.toLowerCase();
  // Portkey's virtual key is a provider with its key.
  if (plain.includes('virtual')) return false;
  return credential.test(plain) || account.test(plain) || trace.test(plain);
}

/** A word of letters alone, such as the name of a provider to go to, is in every other message. */
const plainWord = /^[a-z]{1,12}$/i;
const shortestPart = 8;

/** What of the values nobody may read, also where a part of one is repeated. */
export function listHeaderSecrets(headers: GivenHeaders): string[] {
  return Object.entries(headers).flatMap(([name, value]) => {
    if (!credential.test(name.toLowerCase()) && plainWord.test(value)) return [];
    const parts = value.split(/[\s;,=]+/).filter((part) => part.length >= shortestPart);
    const [, packed = ''] = /^basic\s+(\S+)$/i.exec(value) ?? [];
    const pair = Buffer.from(packed, 'base64').toString();
    return [value, ...parts, ...(packed ? [pair, pair.slice(pair.indexOf(':') + 1)] : [])];
  });
}
