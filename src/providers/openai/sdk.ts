/** OpenAI's SDK, as far as it is used: the bundle leaves the rest out. Loaded when a client is opened. */
import { OpenAI } from 'openai';

type BuiltRequest = Awaited<ReturnType<OpenAI['buildRequest']>>;

/** The calls of a client to one of these differ in their bodies alone. */
const repeatedPaths = ['/chat/completions', '/responses'];

/** The SDK's client, which makes address and headers of such calls once, in place of once a call. */
export class Client extends OpenAI {
  /** By its class the SDK names itself to servers. */
  static override readonly name = 'OpenAI';
  readonly #heads = new Map<string, ReturnType<typeof headOf>>();

  override async buildRequest(...args: Parameters<OpenAI['buildRequest']>): Promise<BuiltRequest> {
    const [options] = args;
    if (!repeatedPaths.includes(options.path)) return super.buildRequest(...args);
    const head = this.#heads.get(options.path) ?? headOf(await super.buildRequest(...args));
    this.#heads.set(options.path, head);
    const { method, headers, url, timeout } = head;
    const { body, signal, fetchOptions } = options;
    const own = { method, headers, body: JSON.stringify(body), ...(signal && { signal }), ...fetchOptions };
    return { req: own as BuiltRequest['req'], url, timeout };
  }
}

/** Without the body: nothing of the first call is to stay for as long as its client. */
function headOf({ req: { method, headers }, url, timeout }: BuiltRequest) {
  return { method, headers, url, timeout };
}
