/** Those that speak OpenAI's protocol, live and in batches, a row each. */
import { atLeast, atMost, between } from '../settings.ts';
import { openModelHosts } from './open-model-hosts.ts';
import type { Profile } from './profile.ts';
import { chatSettings, responsesSettings, withEffort } from './settings.ts';

const asOpenAi = {
  ...chatSettings({
    places: { max_tokens: 'max_completion_tokens', ...withEffort },
    checks: { stop: atMost(4) },
  }),
  responses: responsesSettings(),
};

export const profiles: readonly Profile[] = [
  {
    name: 'openai',
    title: 'OpenAI',
    keyVariable: 'OPENAI_API_KEY',
    baseUrlVariable: 'OPENAI_BASE_URL',
    addresses: [
      'https://api.openai.com/v1',
      // "Data residency": https://platform.openai.com/docs/guides/your-data
      ...['us', 'eu', 'au', 'ca', 'jp', 'in', 'sg', 'kr', 'gb', 'ae'].map(
        (region) => `https://${region}.api.openai.com/v1`,
      ),
    ],
    keylessOnLoopback: true,
    messageTokens: 7,
    priceListName: 'openai',
    settings: asOpenAi,
    accountHeaders: true,
    // "Flex processing" has the prices of batches; those of priority are in no list.
    tiers: {
      field: 'service_tier',
      prices: { auto: 'list', default: 'list', flex: 'batch', priority: 'unknown' },
    },
    batches: {
      limits: { requests: 50_000, bytes: 200_000_000 },
      priceShare: 0.5,
      windowHours: 24,
      tagField: 'loom_tag',
    },
  },
  {
    // Alibaba Cloud Model Studio (DashScope, Qwen). Keys, addresses and models are those of one region; the first is Singapore.
    name: 'alibaba',
    title: 'Alibaba',
    keyVariable: 'DASHSCOPE_API_KEY',
    baseUrlVariable: 'DASHSCOPE_BASE_URL',
    addresses: [
      'https://dashscope-intl.aliyuncs.com/compatible-mode/v1',
      'https://dashscope.aliyuncs.com/compatible-mode/v1',
      'https://dashscope-us.aliyuncs.com/compatible-mode/v1',
      'https://cn-hongkong.dashscope.aliyuncs.com/compatible-mode/v1',
    ],
    messageTokens: 8,
    priceListName: 'alibaba',
    // Its Responses API leaves unread what it does not know, `instructions` among it: no system text would reach a model
    // (https://www.alibabacloud.com/help/en/model-studio/qwen-api-via-openai-responses).
    settings: chatSettings({ places: { top_k: 'top_k' }, checks: { top_k: atLeast(0) } }),
    // Words of "Error messages" in its documentation.
    refusals: [
      // `insufficient_quota` is what it says to too many tokens a minute; OpenAI says it to an empty account.
      { status: 429, scope: 'retry' },
      { code: 'Arrearage', scope: 'run' },
    ],
    batches: {
      // One larger request, and the whole batch is refused.
      limits: { requests: 50_000, bytes: 500_000_000, requestBytes: 6_000_000 },
      priceShare: 0.5,
      windowHours: 24,
      // The metadata that it is documented to keep; the console shows it as the name of the task.
      tagField: 'ds_name',
      listsByTag: true,
    },
  },
  {
    // Its v1 addresses. Each resource has one of its own, and a model is what people call their deployment of it.
    name: 'azure',
    title: 'Azure OpenAI',
    keyVariable: 'AZURE_OPENAI_API_KEY',
    baseUrlVariable: 'AZURE_OPENAI_BASE_URL',
    addresses: ['https://my-resource.openai.azure.com/openai/v1'],
    needsAddress: true,
    messageTokens: 7,
    priceListName: 'azure',
    settings: asOpenAi,
    unverified: 'what its v1 address calls the endpoint of a batch',
    batches: {
      // Its reference of the API; its guide tells of 100,000.
      limits: { requests: 50_000, bytes: 200_000_000 },
      priceShare: 0.5,
      // "We do not expire the jobs that take longer": it tells a time all the same.
      expires: false,
      waitsForFile: true,
      tagField: 'loom_tag',
    },
  },
  {
    name: 'moonshot',
    title: 'Moonshot',
    keyVariable: 'MOONSHOT_API_KEY',
    baseUrlVariable: 'MOONSHOT_BASE_URL',
    addresses: ['https://api.moonshot.ai/v1', 'https://api.moonshot.cn/v1'],
    messageTokens: 8,
    priceListName: 'moonshotai',
    settings: chatSettings({ checks: { temperature: between(0, 1) } }),
    // An empty account, in its list of errors.
    refusals: [{ code: 'exceeded_current_quota_error', scope: 'run' }],
    unverified: 'how many requests one of its batches takes, and what a batch costs',
    batches: {
      // A file may have 100 MB (its page on uploads).
      limits: { requests: 10_000, bytes: 100_000_000 },
      priceShare: 1,
      windowHours: 24,
      tagField: 'loom_tag',
    },
  },
  {
    // Zhipu. Keys are those of one address; batches are documented for the second.
    name: 'zai',
    title: 'Z.ai',
    keyVariable: 'ZAI_API_KEY',
    baseUrlVariable: 'ZAI_BASE_URL',
    addresses: ['https://api.z.ai/api/paas/v4', 'https://open.bigmodel.cn/api/paas/v4'],
    messageTokens: 8,
    priceListName: 'zai',
    settings: chatSettings({ checks: { temperature: between(0, 1) } }),
    // Its codes are numbers. This one is an account that owes money, said with status 429.
    codePlaces: ['code'],
    refusals: [{ code: '1113', scope: 'run' }],
    unverified: 'whether its address outside China takes batches, and which models do',
    batches: {
      limits: { requests: 50_000, bytes: 100_000_000 },
      priceShare: 0.5,
      windowHours: 24,
      endpoint: '/v4/chat/completions',
      tagField: 'loom_tag',
    },
  },
  ...openModelHosts,
];
