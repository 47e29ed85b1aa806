import { describe, expect, it } from 'vitest';
import { plainContent } from '../../src/core/request/content.ts';
import type { Connection, RequestNotice } from '../../src/providers/connection.ts';
import {
  adapters,
  collect,
  failureOf,
  never,
  plainAdapters,
  useServer,
  writeRequests,
} from './conformance.ts';
import type { Reply } from './scripted-server.ts';

/** Servers that repeat what they were sent: whatever they put it into, nothing of it comes out of a provider. */

const keys = {
  'a long key': 'gate+way/0123456789-abcdefghij==',
  'a key of a known form': 'sk-proj-0123456789abcdefghij',
  'a key with signs that expressions have': 'k(e)y[1]$^.*|{2}\\d+?0123',
  'a short key': 'k3y-7',
};

const request = { customId: 'row-0-1a2b3c4d', model: 'model-1', content: plainContent('Hi') };

/** Ways to repeat a key; a message may be long, so that the key stands where it is cut. */
const echoesOf = (key: string): string[] => [
  `Incorrect API key provided: ${key}. Find yours.`,
  `${'x'.repeat(480)} key=${key}&more`,
  `${'word '.repeat(96)}"${key}"`,
  `${' '.repeat(4_096 - 3)}${key}`,
  encodeURIComponent(key),
  `Basic ${Buffer.from(`user:${key}`).toString('base64')}`,
  ...(key.length > 8 ? [`${key.slice(0, 5)}***${key.slice(-2)}`, `cut off ${key.slice(0, 18)}`] : []),
];

/** What nobody may find anywhere: the key, and the parts that an echo shows of it. */
function expectHidden(shown: unknown, key: string): void {
  const text = JSON.stringify(shown, (_name, value) =>
    value instanceof Error
      ? { ...value, message: value.message, stack: value.stack, cause: value.cause }
      : value,
  );
  const parts = key.length > 8 ? [key.slice(0, 12), key.slice(-8), `${key.slice(0, 5)}*`] : [key];
  const base64 = Buffer.from(`user:${key}`).toString('base64').slice(8, 16);
  for (const part of [...parts, base64]) expect(text).not.toContain(JSON.stringify(part).slice(1, -1));
}

/** An error where each server that speaks so puts it. */
const refusalBodies = (echo: string): (string | object)[] => [
  { type: 'error', error: { message: echo, code: echo, status: echo, type: echo } },
  { error: { message: 'Provider returned error', metadata: { raw: JSON.stringify({ error: echo }) } } },
  { error: echo },
  { detail: echo },
  `<html><head><title>${echo.replaceAll('&', '&amp;')}</title></head></html>`,
  echo,
];

/** One key is tried at every provider, and each kind of key at one: all hide them in the same way. */
const tried = Object.entries(keys).flatMap(([what, apiKey], index) =>
  (index === 0 ? adapters : adapters.slice(0, 1)).map((entry) => ({ what, apiKey, entry })),
);

describe.each(tried)('$what', ({ apiKey, entry }) => {
  describe(`at ${entry.title}`, () => {
    /** Every echo in every body at one provider; at the others each echo and each body comes, in turn. */
    const isTried = (turn: number, place: number) => entry === adapters[0] || (turn - place) % 3 === 0;
    const server = useServer();
    const notices: RequestNotice[] = [];
    const connect = (): Connection => ({
      apiKey,
      baseUrl: server().url,
      environment: {},
      timeoutMs: 20_000,
      onRequest: (notice) => notices.push(notice),
    });
    const generate = async () => (await entry.openSync(connect())).generate(request, never);

    it('is hidden in each error, header and notice of a live call', async () => {
      const headers = { 'x-request-id': encodeURIComponent(apiKey) };
      for (const [turn, echo] of echoesOf(apiKey).entries()) {
        for (const [place, body] of refusalBodies(echo).entries()) {
          if (!isTried(turn, place)) continue;
          // Both meet every echo and every body.
          const status = (turn + place) % 2 === 0 ? 400 : 401;
          server().play(() => ({ status, body, headers }));
          expectHidden(await failureOf(generate()), apiKey);
        }
      }
      server().play(() => ({ status: 308, headers: { location: `/moved/${encodeURIComponent(apiKey)}` } }));
      expectHidden(await failureOf(generate()), apiKey);
      expectHidden(notices, apiKey);
    });

    it('is hidden in the reason of an answer without a text, and left in the text of one', async () => {
      for (const [turn, echo] of echoesOf(apiKey).entries()) {
        const bodies = [
          { choices: [{ message: { refusal: echo }, finish_reason: echo }] },
          { choices: [{ message: { content: '' }, finish_reason: echo }] },
          { content: [], stop_reason: echo },
          { content: [], stop_reason: 'refusal', stop_details: { explanation: echo } },
          { promptFeedback: { blockReason: echo, blockReasonMessage: echo } },
          { candidates: [{ finishReason: echo }] },
          { candidates: [{ finishReason: 'SAFETY', finishMessage: echo }] },
          { error: { message: echo, code: echo } },
        ];
        for (const [place, body] of bodies.entries()) {
          if (!isTried(turn, place)) continue;
          server().play(() => ({ body }));
          expectHidden(await generate().catch((error: unknown) => error), apiKey);
        }
      }
      const text = `The key is ${apiKey}, and \u202e stays.`;
      server().play(() => ({
        body: {
          choices: [{ message: { content: text }, finish_reason: 'stop' }],
          content: [{ type: 'text', text }],
          candidates: [{ content: { parts: [{ text }] } }],
        },
      }));
      expect(await generate()).toMatchObject({ outcome: 'succeeded', text });
    });

    const { openBatch } = entry;
    if (!openBatch) return;
    const open = () => openBatch(connect());

    it('is hidden in each error, status and reason of a batch', async () => {
      const provider = await open();
      const file = await writeRequests(provider, ['row-0-1a2b3c4d']);
      const batch = { model: 'model-1', tag: 'tag-1' };
      const calls = [
        () => provider.check('b1', never),
        () => provider.create({ file, fileId: 'f1' }, batch, never),
        () => collect(provider.results('b1', never)),
      ];
      for (const [turn, echo] of echoesOf(apiKey).entries()) {
        server().play(() => ({
          body: {
            id: 'b1',
            status: echo,
            processing_status: echo,
            errors: { data: [{ code: echo, message: echo }] },
            metadata: { state: echo },
            error: { status: echo, message: echo },
          },
        }));
        const check = await provider.check('b1', never);
        expect(check.rawStatus.length).toBeLessThanOrEqual(100);
        expectHidden(check, apiKey);
        for (const [place, body] of refusalBodies(echo).entries()) {
          if (!isTried(turn, place)) continue;
          server().play(() => ({ status: 400, body }));
          // Each meets every body, and every echo.
          const call = calls[(turn + place) % calls.length] as (typeof calls)[number];
          expectHidden(await failureOf(call()), apiKey);
        }
      }
    });

    it.runIf(plainAdapters.includes(entry))(
      'is hidden in the reasons of failed rows, whatever form they have',
      async () => {
        const failed = (echo: string) => [
          { custom_id: 'row-0', response: null, error: { code: echo, message: echo } },
          {
            custom_id: 'row-1',
            response: { status_code: 400, body: { error: { type: echo, message: echo } } },
          },
          {
            custom_id: 'row-2',
            result: { type: 'errored', error: { error: { type: echo, message: echo } } },
          },
          { key: 'row-3', error: { status: echo, message: echo } },
          { key: 'row-4', response: { promptFeedback: { blockReason: echo, blockReasonMessage: echo } } },
        ];
        for (const echo of echoesOf(apiKey)) {
          const lines: Reply = {
            body: failed(echo)
              .map((line) => JSON.stringify(line))
              .join('\n'),
          };
          server().play(({ path }) =>
            /content|results|download/.test(path)
              ? lines
              : {
                  body: {
                    status: 'completed',
                    output_file_id: 'f1',
                    processing_status: 'ended',
                    metadata: { state: 'BATCH_STATE_SUCCEEDED', output: { responsesFile: 'files/f1' } },
                  },
                },
          );
          const rows = await collect((await open()).results('b1', never));
          expect(rows.length).toBeGreaterThan(0);
          for (const row of rows) {
            if (row.outcome === 'succeeded') throw new Error('no row has an answer');
            expect(row.error.kind.length).toBeLessThanOrEqual(100);
            expect(row.error.message.length).toBeLessThanOrEqual(500);
          }
          expectHidden(rows, apiKey);
        }
      },
    );
  });
});
