/** What the sandbox says of itself to a person who opens its address. */
import { baseUrlsAt, kinds, vendorNames, vendors } from './vendors.ts';

export function frontPage(origin: string): string {
  const { local, compatible, ...urls } = baseUrlsAt(origin);
  const titles = vendorNames.filter((name) => !kinds.includes(name)).map((name) => vendors[name].title);
  const width = Math.max(...titles.map(({ length }) => length));
  const lines = Object.values(urls).map((url, index) => `  ${titles[index]?.padEnd(width)}  ${url}`);
  return `This is the loom-batch sandbox: a stand-in for the APIs of ${titles.slice(0, -1).join(', ')}
and ${titles.at(-1)}.
It runs on this machine only, asks no model, costs nothing and takes any key that does not begin with "bad-".
Its answers repeat the prompt and say that they are the sandbox's.

Base URLs, in the form in which each SDK takes them:
${lines.join('\n')}

Any other provider that speaks as OpenAI does, live and in batches: ${compatible}
A model server on one's own machine, which does so live alone, and wants no key: ${local}

What it has seen so far: ${origin}/sandbox/stats
`;
}
