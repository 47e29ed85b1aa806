/** Liberal reading of what providers send: an absent, null or odd field reads as empty, never throws. */

export type WireObject = Readonly<Record<string, unknown>>;

const nothing: WireObject = Object.freeze({});

export function asObject(value: unknown): WireObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as WireObject)
    : nothing;
}

export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** A count; Google sends 64-bit numbers as text. */
export function asCount(value: unknown): number | undefined {
  const count = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof count === 'number' && Number.isFinite(count) ? count : undefined;
}

/** A number of tokens: a count that is not below 0. */
export function asTokens(value: unknown): number | undefined {
  const count = asCount(value);
  return count === undefined || count < 0 ? undefined : count;
}

/** A custom id, which some servers give back as a number. */
export function asId(value: unknown): string {
  return typeof value === 'number' ? String(value) : asText(value);
}

/** The first text that is not empty. */
export function firstText(...values: unknown[]): string {
  return values.map(asText).find((text) => text !== '') ?? '';
}

/** A time written as RFC 3339 has it; undefined for anything else. */
export function asTime(value: unknown): Date | undefined {
  const time = Date.parse(asText(value));
  return Number.isNaN(time) ? undefined : new Date(time);
}
