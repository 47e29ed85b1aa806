/** Requests that are on disk get the schema in words; those that can't be read stay, and are not tried again. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type PromptRequest, plainContent } from '../../../../src/core/request/content.ts';
import { asksForSchema, canBeTold, tellPart } from '../../../../src/orchestrator/batch/parts/tell-part.ts';
import type { Job, JobPart } from '../../../../src/state/jobs.ts';
import { type LoomHome, loomHome } from '../../../../src/storage/home.ts';
import { createMemoryStore } from '../../../storage/memory-store.ts';

const schema = { type: 'object' };
const provider = {
  framing: { before: '', between: '\n', after: '\n' },
  encode: ({ customId, content, settings }: PromptRequest) => JSON.stringify({ customId, content, settings }),
};

let root: string;
let home: LoomHome;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'loom-tell-'));
  home = { ...loomHome({ variables: { LOOM_HOME: root }, workingFolder: root }), jobs: createMemoryStore() };
  mkdirSync(home.requests);
});
afterEach(() => rmSync(root, { recursive: true }));

/** A job of one part whose request file has these lines. */
function makeJob(...lines: string[]): { readonly job: Job; readonly part: JobPart } {
  const text = `${lines.join('\n')}\n`;
  writeFileSync(join(home.requests, 'job_1_1.jsonl'), text);
  const part: JobPart = {
    part: 1,
    requests: lines.length,
    bytes: text.length,
    state: 'planned',
    tag: 'loom-job_1-1',
  };
  const job = {
    version: 1,
    job_id: 'job_1',
    model: 'm',
    params: { schema },
    parts: [part],
  } as unknown as Job;
  return { job, part };
}

const line = (customId: string, text: string) =>
  provider.encode({ customId, model: 'm', content: plainContent(text), settings: { schema } });

test('requests are written anew with the schema in words, and those before are gone', async () => {
  const { job, part } = makeJob(line('row-0', 'Hello'), line('row-1', 'a "quoted" one'));
  expect(await tellPart(home, job, part, provider)).toBe(true);
  expect(part).toMatchObject({ schema_told: true, files: 2, requests: 2 });
  expect(readdirSync(home.requests)).toEqual(['job_1_2.jsonl']);
  const written = readFileSync(join(home.requests, 'job_1_2.jsonl'), 'utf8');
  expect(written.length).toBe(part.bytes);
  const [first, second] = written
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text));
  const system = `Answer with nothing but JSON that fits this JSON Schema: ${JSON.stringify(schema)}`;
  expect([first.customId, first.settings]).toEqual(['row-0', { system }]);
  expect(second.content.messages[0].parts[0].text).toBe('a "quoted" one');
});

test('requests of another version stay as they are, and nobody tries to tell them again', async () => {
  const { job, part } = makeJob(line('row-0', 'Hello'), '{"id":"row-1","prompt":"World"}');
  const tag = part.tag;
  expect(canBeTold(job, part)).toBe(true);
  expect(await tellPart(home, job, part, provider)).toBe(false);
  expect(readdirSync(home.requests)).toEqual(['job_1_1.jsonl']);
  expect(part.tag).toBe(tag);
  expect([asksForSchema(job, part), canBeTold(job, part)]).toEqual([true, false]);
  expect(JSON.parse((await home.jobs.read('job_1.json')) ?? '').parts).toMatchObject([
    { schema_told: false },
  ]);
});
