/** OpenAI's SDK, as far as it is used: the bundle leaves the rest out. Loaded when a client is opened. */
import { OpenAI } from 'openai';

type BuiltRequest = Awaited<ReturnType<OpenAI['buildRequest']>>;

/** The chat completions of a client differ in their bodies alone. */
const repeatedPath = '/chat/completions';

/** The SDK's client, which makes address and headers of such calls once, in place of once a call. */
export class Client extends OpenAI {
  #built: BuiltRequest | undefined;

  override async buildRequest(...args: Parameters<OpenAI['buildRequest']>): Promise<BuiltRequest> {
    const [options] = args;
    if (options.path !== repeatedPath) return super.buildRequest(...args);
    this.#built ??= await super.buildRequest(...args);
    const { req, url, timeout } = this.#built;
    const { method, headers } = req;
    const { body, signal, fetchOptions } = options;
    const own = { method, headers, body: JSON.stringify(body), ...(signal && { signal }), ...fetchOptions };
    return { req: own as BuiltRequest['req'], url, timeout };
  }
}
