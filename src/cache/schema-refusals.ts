/**
 * Schemas that a server or model has refused, under `refusals/`: a batch that is asked the same later need not fail
 * first to find it out. It is about one schema, because a refusal may be of what is in it; it is forgotten after a month,
 * because servers learn; and it can be had without, so nothing that is wrong with it stops anything.
 */
import type { GenerationSettings } from '../core/models.ts';
import { readJson } from '../core/nesting.ts';
import { digestText } from '../core/request/digest.ts';
import { settingsText } from '../core/request/settings-text.ts';
import { object, oneOf, readShape, string, type ValueOf } from '../core/shapes/shapes.ts';
import type { LoomHome } from '../storage/home.ts';

const lifeMs = 30 * 24 * 3_600_000;

const schemaRefusalShape = object({
  version: oneOf([1]),
  provider: string,
  model: string,
  server: string,
  /** In the server's words. */
  reason: string,
  refused_at: string,
});
export type SchemaRefusal = ValueOf<typeof schemaRefusalShape>;

/** Of whom a schema is asked: an order, or a job under its own names. */
export interface SchemaAsked {
  readonly provider: string;
  readonly model: string;
  readonly server: string;
  readonly settings?: GenerationSettings | undefined;
}

function nameOf({ provider, model, server, settings }: SchemaAsked): string {
  const schema = settings?.schema && settingsText({ schema: settings.schema });
  const asked = [provider, model, server, schema, ...(settings?.api === 'responses' ? [settings.api] : [])];
  const digest = digestText(JSON.stringify(asked)).toString('hex');
  return `${digest.slice(0, 32)}.json`;
}

/** Undefined where no schema is asked for. */
export async function loadSchemaRefusal(
  { refusals }: Pick<LoomHome, 'refusals'>,
  asked: SchemaAsked,
): Promise<SchemaRefusal | undefined> {
  if (!asked.settings?.schema) return undefined;
  const text = await refusals.read(nameOf(asked)).catch(() => undefined);
  const refusal = readShape(schemaRefusalShape, readJson(text ?? ''));
  if (!refusal || !(Date.now() - Date.parse(refusal.refused_at) < lifeMs)) return undefined;
  return refusal;
}

/** It was wrong: the same words came where the schema was told in the system text. */
export async function forgetSchemaRefusal(
  { refusals }: Pick<LoomHome, 'refusals'>,
  asked: SchemaAsked,
): Promise<void> {
  await refusals.delete(nameOf(asked)).catch(() => {});
}

export async function noteSchemaRefusal(
  { refusals }: Pick<LoomHome, 'refusals'>,
  asked: SchemaAsked,
  reason: string,
): Promise<void> {
  const { provider, model, server } = asked;
  const refusal: SchemaRefusal = {
    version: 1,
    ...{ provider, model, server, reason },
    refused_at: new Date().toISOString(),
  };
  await refusals.write(nameOf(asked), `${JSON.stringify(refusal)}\n`, { flush: false }).catch(() => {});
}
