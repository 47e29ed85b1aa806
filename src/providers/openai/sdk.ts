/** OpenAI's SDK, as far as it is used: the bundle leaves the rest out. Loaded when a client is opened. */
import { OpenAI } from 'openai';

type BuiltRequest = Awaited<ReturnType<OpenAI['buildRequest']>>;

/** The chat completions of a client differ in their bodies alone. */
const repeatedPath = '/chat/completions';

/** The SDK's client, which makes address and headers of such calls once, in place of once a call. */
export class Client extends OpenAI {
  /** By its class the SDK names itself to servers. */
  static override readonly name = 'OpenAI';
  #head: ReturnType<typeof headOf> | undefined;

  override async buildRequest(...args: Parameters<OpenAI['buildRequest']>): Promise<BuiltRequest> {
    const [options] = args;
    if (options.path !== repeatedPath) return super.buildRequest(...args);
    this.#head ??= headOf(await super.buildRequest(...args));
    const { method, headers, url, timeout } = this.#head;
    const { body, signal, fetchOptions } = options;
    const own = { method, headers, body: JSON.stringify(body), ...(signal && { signal }), ...fetchOptions };
    return { req: own as BuiltRequest['req'], url, timeout };
  }
}

/** Without the body: nothing of the first call is to stay for as long as its client. */
function headOf({ req: { method, headers }, url, timeout }: BuiltRequest) {
  return { method, headers, url, timeout };
}
