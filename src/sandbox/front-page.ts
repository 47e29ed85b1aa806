/** What the sandbox says of itself to a person who opens its address. */
export function frontPage(origin: string): string {
  return `This is the loom-batch sandbox: a stand-in for the APIs of OpenAI, Anthropic, Google Gemini,
OpenRouter and Alibaba Cloud Model Studio.
It runs on this machine only, asks no model, costs nothing and takes any key that does not begin with "bad-".
Its answers repeat the prompt and say that they are the sandbox's.

Base URLs, in the form in which each SDK takes them:
  OpenAI      ${origin}/openai/v1
  Anthropic   ${origin}/anthropic
  Google      ${origin}/google
  OpenRouter  ${origin}/openrouter/api/v1
  Alibaba     ${origin}/alibaba/compatible-mode/v1

A model server on one's own machine, which speaks as OpenAI does and wants no key: ${origin}/local/v1

What it has seen so far: ${origin}/sandbox/stats
`;
}
