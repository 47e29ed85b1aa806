/** The vendors that the sandbox stands in for. */

/** How people call each, and the path of its base URL, in the form that its own SDK takes. */
export const vendors = {
  openai: { title: 'OpenAI', path: '/openai/v1' },
  anthropic: { title: 'Anthropic', path: '/anthropic' },
  google: { title: 'Google Gemini', path: '/google' },
  openrouter: { title: 'OpenRouter', path: '/openrouter/api/v1' },
  mistral: { title: 'Mistral', path: '/mistral/v1' },
  alibaba: { title: 'Alibaba Cloud Model Studio', path: '/alibaba/compatible-mode/v1' },
  azure: { title: 'Azure OpenAI', path: '/azure/openai/v1' },
  fireworks: { title: 'Fireworks', path: '/fireworks/inference/v1' },
  xai: { title: 'xAI', path: '/xai/v1' },
  together: { title: 'Together', path: '/together/v1' },
  local: { title: 'A model server on your own machine', path: '/local/v1' },
  compatible: { title: 'Any other that speaks as OpenAI does', path: '/compatible/v1' },
} as const;

export type VendorName = keyof typeof vendors;
export const vendorNames = Object.keys(vendors) as VendorName[];

export function isVendorName(name: string): name is VendorName {
  return Object.hasOwn(vendors, name);
}

/** Those that speak OpenAI's protocol, each with a row in openai/dialects.ts. */
export type CompatibleName = Exclude<VendorName, 'anthropic' | 'google' | 'openrouter' | 'mistral'>;

/** Those that are a kind of server, and no vendor. */
export const kinds: readonly VendorName[] = ['local', 'compatible'];

/** Every vendor's base URL below an origin. */
export function baseUrlsAt(origin: string): Readonly<Record<VendorName, string>> {
  const urls = vendorNames.map((name) => [name, `${origin}${vendors[name].path}`]);
  return Object.fromEntries(urls);
}
