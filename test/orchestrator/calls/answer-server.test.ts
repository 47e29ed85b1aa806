/** Whose answers a run takes and gives: each address in one way, and a vendor's own as one. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isServerName, type ProviderName } from '../../../src/core/names.ts';
import { describeServer, nameServer } from '../../../src/orchestrator/calls/answer-server.ts';
import { describeDataset } from '../../../src/orchestrator/dataset/dataset.ts';
import { nameCachedRun, nameUncachedRun } from '../../../src/orchestrator/journals/run-names.ts';
import { builtInNames } from '../../../src/providers/registry.ts';

const real = { isSandbox: false };

test.each<[ProviderName, string[]]>([
  [
    'openai',
    [
      'https://api.openai.com/v1',
      'https://API.OpenAI.com:443/v1/',
      'HTTPS://api.openai.com./v1',
      'https://user:pass@api.openai.com/v1?project=x#y',
      'https://eu.api.openai.com/v1',
    ],
  ],
  ['anthropic', ['https://api.anthropic.com', 'https://api.anthropic.com/', 'https://api.anthropic.com:443']],
  ['google', ['https://generativelanguage.googleapis.com/']],
  ['openrouter', ['https://openrouter.ai/api/v1', 'https://eu.openrouter.ai/api/v1/']],
  [
    'alibaba',
    [
      'https://dashscope-intl.aliyuncs.com/compatible-mode/v1',
      'https://dashscope.aliyuncs.com/compatible-mode/v1/',
      'https://dashscope-us.aliyuncs.com/compatible-mode/v1',
    ],
  ],
  ['fireworks', ['https://api.fireworks.ai/inference/v1/']],
  ['xai', ['https://api.x.ai/v1/']],
])('the own addresses of %s, in whatever form, are one server with plain names', (provider, addresses) => {
  const own = nameServer(real, provider, {});
  expect(describeServer(provider, own).isPlain).toBe(true);
  for (const baseUrl of addresses) expect(nameServer(real, provider, { baseUrl })).toBe(own);
});

test.each([
  ['http://LocalHost:80/v1/', 'http://localhost/v1'],
  ['http://localhost:11434/v1', 'http://localhost:11434/v1'],
  ['http://[0:0:0:0:0:0:0:1]:8000/v1//', 'http://[::1]:8000/v1'],
  ['https://key:secret@Gateway.example.com.:8443/a/b/?key=secret', 'https://gateway.example.com:8443/a/b'],
  ['http://api.openai.com/v1', 'http://api.openai.com/v1'],
  ['https://api.openai.com/v2', 'https://api.openai.com/v2'],
  ['https://api.openai.com', 'https://api.openai.com'],
])('%s is the server %s, and none of the vendor', (baseUrl, name) => {
  expect(nameServer(real, 'openai', { baseUrl })).toBe(name);
  expect(describeServer('openai', name)).toEqual({ name, isPlain: false });
});

test.each(builtInNames)('the address of another vendor is not the own one of %s', (provider) => {
  const other =
    provider === 'google' ? 'https://api.openai.com/v1' : 'https://generativelanguage.googleapis.com';
  expect(describeServer(provider, nameServer(real, provider, { baseUrl: other })).isPlain).toBe(false);
});

describe('headers', () => {
  const own = 'https://api.openai.com/v1';
  const nameWith = (headers: Record<string, string>, choice = {}) =>
    nameServer(real, 'openai', { headers, ...choice });

  test('that may lead to another model are part of it, by name and digest, in any order and case', () => {
    const name = nameWith({ 'X-Route': 'a', 'x-model': 'b' });
    expect(name).toMatch(/^https:\/\/api\.openai\.com\/v1 with x-model,x-route [0-9a-f]{12}$/);
    expect(nameWith({ 'x-model': 'b', 'x-route': 'a' })).toBe(name);
    expect(nameWith({ 'x-model': 'b', 'x-route': 'c' })).not.toBe(name);
    expect(describeServer('openai', name)).toEqual({ name, isPlain: false });
  });

  test('that say who asks, or which call it is, leave it what it is', () => {
    expect(nameWith({ Authorization: 'Bearer a', 'x-gateway-key': 'b', traceparent: 'c' })).toBe(own);
    expect(nameWith({ 'x-gateway-key': 'b', 'x-route': 'a' })).toBe(nameWith({ 'x-route': 'a' }));
  });

  test('count for nothing under a name of one’s own, and in rehearsals', () => {
    expect(nameWith({ 'x-route': 'a' }, { serverName: 'gpu' })).toBe('gpu');
    expect(nameServer({ isSandbox: true }, 'openai', { headers: { 'x-route': 'a' } })).toBe('sandbox');
  });
});

test('a name takes the place of any address, and a rehearsal has one place of its own', () => {
  expect(nameServer(real, 'openai', { serverName: 'gpu', baseUrl: 'http://node-7:8000/v1' })).toBe('gpu');
  expect(nameServer(real, 'openai', { serverName: 'gpu' })).toBe('gpu');
  expect(describeServer('openai', 'gpu').isPlain).toBe(false);
  expect(nameServer({ isSandbox: true }, 'openai', { baseUrl: 'http://127.0.0.1:4141/openai/v1' })).toBe(
    'sandbox',
  );
});

test.each([
  ['gpu-cluster', true],
  ['a.b_c-9', true],
  ['http://a', false],
  ['a b', false],
  ['', false],
  ['-a', false],
  ['Sandbox', false],
  ['x'.repeat(101), false],
])('%j may be the name of a server: %s', (name, may) => {
  expect(isServerName(name)).toBe(may);
});

describe('journals of live runs', () => {
  const path = join(import.meta.dirname, '../../data/airports.csv');
  const work = (server: string) =>
    ({
      dataset: describeDataset(path, { column: 'name' }),
      provider: 'openai',
      model: 'm',
      outputPath: '/out.csv',
      settings: undefined,
      server,
    }) as const;

  test.each([
    ['with the cache', nameCachedRun],
    ['without', nameUncachedRun],
  ])('%s are apart for each server', (_, name) => {
    const servers = ['https://api.openai.com/v1', 'http://a/v1', 'http://b/v1', 'gpu'];
    expect(new Set(servers.map((server) => name(work(server)))).size).toBe(servers.length);
  });
});
