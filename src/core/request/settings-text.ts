/** Settings as text: what distinguishes cached answers, and runs, that were generated in other ways. */
import { type GenerationSettings, isDefaultApi } from '../models.ts';

/** Canonical JSON: keys sorted at every level, no spaces. Undefined when nothing is set. */
export function settingsText(settings: GenerationSettings | undefined): string | undefined {
  return writeSettings(settings, canonicalJson);
}

/** The same as the Python tool writes it, whose fractions keep their point: `1.0`. */
export function pythonSettingsText(settings: GenerationSettings | undefined): string | undefined {
  return writeSettings(settings, (value, name) =>
    fractions.has(name) && Number.isInteger(value) ? `${value}.0` : canonicalJson(value),
  );
}

const fractions = new Set(['temperature', 'top_p', 'presence_penalty', 'frequency_penalty']);

function writeSettings(
  settings: GenerationSettings | undefined,
  write: (value: unknown, name: string) => string,
): string | undefined {
  const set = Object.entries(settings ?? {}).filter(
    ([name, value]) => value !== undefined && !isDefaultApi(name, value),
  );
  return set.length === 0 ? undefined : writeObject(set, write);
}

function writeObject(members: [string, unknown][], write: (value: unknown, name: string) => string): string {
  const sorted = members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([name, value]) => `${JSON.stringify(name)}:${write(value, name)}`).join(',')}}`;
}

function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return writeObject(Object.entries(value), canonicalJson);
}

/** These fields as part of a name; nothing when none is set, so that work without them keeps its name. */
export function wherePresent(fields: object): object[] {
  return Object.values(fields).some((value) => value !== undefined) ? [fields] : [];
}
