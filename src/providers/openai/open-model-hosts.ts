/** Hosts of open models that speak OpenAI's protocol, a row each. What no page of theirs says is on the safe side, and told. */
import { atLeast, atMost, oneOfEfforts } from '../settings.ts';
import type { BatchProfile, Profile } from './profile.ts';
import { chatSettings, responsesSettings, withEffort } from './settings.ts';

const threeEfforts = oneOfEfforts('low', 'medium', 'high');
const asOpenAi = chatSettings({
  places: { max_tokens: 'max_completion_tokens', ...withEffort },
  checks: { stop: atMost(4), effort: threeEfforts },
});
const plain = chatSettings();
const withTopK = chatSettings({ places: { top_k: 'top_k' }, checks: { top_k: atLeast(-1) } });

const batches = { windowHours: 24, tagField: 'loom_tag' } satisfies Partial<BatchProfile>;

/** Where no page tells them: several smaller batches are taken wherever a large one is, and no cost is told too low. */
const cautious = { limits: { requests: 10_000, bytes: 100_000_000 }, priceShare: 1, ...batches };

export const openModelHosts: readonly Profile[] = [
  {
    name: 'groq',
    title: 'Groq',
    keyVariable: 'GROQ_API_KEY',
    baseUrlVariable: 'GROQ_BASE_URL',
    addresses: ['https://api.groq.com/openai/v1'],
    messageTokens: 7,
    priceListName: 'groq',
    settings: asOpenAi,
    // A status of its own: no capacity at this moment (its page on errors).
    refusals: [{ status: 498, scope: 'retry' }],
    batches: { limits: { requests: 50_000, bytes: 100_000_000 }, priceShare: 0.5, ...batches },
  },
  {
    name: 'deepinfra',
    title: 'DeepInfra',
    keyVariable: 'DEEPINFRA_TOKEN',
    otherKeyVariables: ['DEEPINFRA_API_KEY'],
    baseUrlVariable: 'DEEPINFRA_BASE_URL',
    addresses: ['https://api.deepinfra.com/v1/openai'],
    messageTokens: 7,
    priceListName: 'deepinfra',
    settings: plain,
    // A fifth less than live (deepinfra.com/blog/batch-api).
    batches: { limits: { requests: 50_000, bytes: 200_000_000 }, priceShare: 0.8, ...batches },
  },
  {
    name: 'together',
    title: 'Together',
    keyVariable: 'TOGETHER_API_KEY',
    baseUrlVariable: 'TOGETHER_BASE_URL',
    addresses: ['https://api.together.xyz/v1', 'https://api.together.ai/v1'],
    messageTokens: 7,
    priceListName: 'together',
    settings: withTopK,
    unverified: 'which of its models cost less in a batch',
    batches: {
      limits: { requests: 50_000, bytes: 100_000_000 },
      // "Discounts on selected models": no page lists them for programs.
      priceShare: 1,
      windowHours: 24,
      purpose: 'batch-api',
      upload: 'signed',
      lineForm: 'body',
    },
  },
  {
    name: 'siliconflow',
    title: 'SiliconFlow',
    keyVariable: 'SILICONFLOW_API_KEY',
    baseUrlVariable: 'SILICONFLOW_BASE_URL',
    addresses: ['https://api.siliconflow.cn/v1', 'https://api.siliconflow.com/v1'],
    messageTokens: 7,
    priceListName: 'siliconflow',
    settings: withTopK,
    unverified: 'whether its address outside China takes batches',
    batches: {
      limits: { requests: 5_000, bytes: 1_000_000_000 },
      priceShare: 0.5,
      tagField: 'loom_tag',
    },
  },
  {
    name: 'novita',
    title: 'Novita',
    keyVariable: 'NOVITA_API_KEY',
    baseUrlVariable: 'NOVITA_BASE_URL',
    addresses: ['https://api.novita.ai/openai/v1'],
    messageTokens: 7,
    priceListName: 'novita',
    settings: withTopK,
    unverified: 'how many requests one of its batches takes, and what a batch costs',
    // Its pages tell of 24 hours and of 48.
    batches: { ...cautious, windowHours: 48, lineForm: 'body' },
  },
  {
    name: 'nebius',
    title: 'Nebius',
    keyVariable: 'NEBIUS_API_KEY',
    baseUrlVariable: 'NEBIUS_BASE_URL',
    addresses: ['https://api.tokenfactory.nebius.com/v1'],
    messageTokens: 7,
    priceListName: 'nebius',
    settings: plain,
    unverified: 'how many requests one of its batches takes, and what a batch costs',
    batches: cautious,
  },
  {
    name: 'doubleword',
    title: 'Doubleword',
    keyVariable: 'DOUBLEWORD_API_KEY',
    baseUrlVariable: 'DOUBLEWORD_BASE_URL',
    addresses: ['https://api.doubleword.ai/v1'],
    messageTokens: 7,
    priceListName: 'doubleword',
    settings: { ...plain, responses: responsesSettings() },
    unverified: 'how many requests one of its batches takes, and what a batch costs',
    batches: cautious,
  },
  {
    name: 'cerebras',
    title: 'Cerebras',
    keyVariable: 'CEREBRAS_API_KEY',
    baseUrlVariable: 'CEREBRAS_BASE_URL',
    addresses: ['https://api.cerebras.ai/v1'],
    messageTokens: 7,
    priceListName: 'cerebras',
    settings: chatSettings({
      places: { max_tokens: 'max_completion_tokens', ...withEffort },
      checks: { effort: threeEfforts },
    }),
    unverified:
      'how many requests one of its batches takes; they are a private preview, which not every key has',
    batches: { ...cautious, priceShare: 0.5 },
  },
  {
    name: 'ovh',
    title: 'OVHcloud',
    keyVariable: 'OVH_AI_ENDPOINTS_ACCESS_TOKEN',
    otherKeyVariables: ['OVHCLOUD_API_KEY'],
    baseUrlVariable: 'OVH_BASE_URL',
    addresses: ['https://oai.endpoints.kepler.ai.cloud.ovh.net/v1'],
    messageTokens: 7,
    priceListName: 'ovhcloud',
    settings: plain,
    unverified: 'how many requests one of its batches takes',
    batches: { ...cautious, priceShare: 0.5 },
  },
];
