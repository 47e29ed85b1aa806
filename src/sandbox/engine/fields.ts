/** The fields of requests: names that a vendor knows, and texts that come in parts. */
import { isObject } from '../http/http.ts';
import { describeFile } from './files.ts';

/** A function that finds the first field whose name is not in these lines of names. */
export function unknownFieldAmong(...lines: string[]): (body: object) => string | undefined {
  const known = new Set(lines.flatMap((names) => names.split(' ')));
  return (body) => Object.keys(body).find((name) => !known.has(name));
}

/** The text of a content, whole or in parts; of files among them, what they are. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  const parts = Array.isArray(content) ? content : [];
  return parts
    .map((part) => {
      if (!isObject(part)) return '';
      return typeof part.text === 'string' ? part.text : (describeFile(part) ?? '');
    })
    .join('');
}
