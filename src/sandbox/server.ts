/**
 * The sandbox: a local stand-in for the APIs of OpenAI, Anthropic, Google Gemini, OpenRouter and Alibaba Cloud Model
 * Studio, and for a model server on one's own machine, spoken over real HTTP, so that a whole run can be rehearsed
 * without a key and without cost. Loopback only.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { alibabaVendor } from './alibaba.ts';
import { anthropicVendor } from './anthropic.ts';
import { type CallFate, FaultScript, type Faults, readFaults, type VendorClock } from './faults.ts';
import { putInFrame } from './frames.ts';
import { frontPage } from './front-page.ts';
import { googleVendor } from './google.ts';
import {
  type Answer,
  BodyTooLarge,
  type Call,
  drain,
  isLive,
  type Operation,
  parseJson,
  plain,
  readText,
  send,
  sendPart,
} from './http.ts';
import { type LimitChanges, limitsWith } from './limits.ts';
import { localVendor } from './local.ts';
import { openaiVendor } from './openai.ts';
import { openrouterVendor } from './openrouter.ts';
import { Statistics } from './statistics.ts';
import { Store } from './store.ts';
import type { Vendor, Workshop } from './vendor.ts';
import { baseUrlsAt, type VendorName, vendorNames } from './vendors.ts';

export type { Faults } from './faults.ts';
export { readFaults } from './faults.ts';

export interface SandboxOptions {
  /** Where its files and batches live; created when missing. Several sandboxes may share it. */
  readonly dir: string;
  /** 0, the default: any free port. */
  readonly port?: number;
  /** Each live call answers after this. */
  readonly latencyMs?: number;
  /** How long a batch takes from its creation to its end; one second unless said. */
  readonly turnaroundMs?: number;
  /** The vendors' own limits unless said. */
  readonly limits?: LimitChanges;
  readonly faults?: Faults;
  /** Counts how often each prompt was answered, for `GET /sandbox/stats`; costs memory. */
  readonly countPrompts?: boolean;
}

export interface Sandbox {
  readonly origin: string;
  /** In the form in which each vendor's SDK takes its base URL. */
  readonly baseUrls: Readonly<Record<VendorName, string>>;
  /** Ends at once: open connections are cut. */
  close(): Promise<void>;
}

const openers: Readonly<Record<VendorName, (workshop: Workshop) => Vendor>> = {
  openai: openaiVendor,
  anthropic: anthropicVendor,
  google: googleVendor,
  openrouter: openrouterVendor,
  alibaba: alibabaVendor,
  local: localVendor,
};

/** What `loom sandbox` gives people, and names.ts knows; any other key that does not begin with `bad-` is taken too. */
export const sandboxKey: string = 'sandbox-key';

/** Starts a sandbox on 127.0.0.1. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const store = new Store(options.dir);
  await store.prepare();
  const running = new RunningSandbox(store, options);
  const origin = await running.listen(options.port ?? 0);
  return {
    origin,
    baseUrls: baseUrlsAt(origin),
    close: () => running.close(),
  };
}

class RunningSandbox {
  readonly #server: Server;
  readonly #workshop: Workshop;
  readonly #vendors: ReadonlyMap<string, Vendor>;
  readonly #latencyMs: number;
  readonly #waiting = new Set<() => void>();
  #origin = '';
  #callsInWork = 0;
  #closed = false;
  #idle: (() => void) | undefined;

  constructor(store: Store, options: SandboxOptions) {
    this.#latencyMs = options.latencyMs ?? 0;
    this.#workshop = {
      store,
      limits: limitsWith(options.limits),
      turnaroundMs: options.turnaroundMs ?? 1000,
      faults: new FaultScript(options.faults),
      statistics: new Statistics(options.countPrompts ?? false),
      wait: (milliseconds) => this.#wait(milliseconds),
    };
    this.#vendors = new Map(vendorNames.map((name) => [name, openers[name](this.#workshop)]));
    this.#server = createServer((request, response) => void this.#serve(request, response));
    // A large upload may take its time, and a client may come back to its connection after a pause.
    this.#server.requestTimeout = 0;
    this.#server.keepAliveTimeout = 60_000;
  }

  async listen(port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', resolve);
    });
    this.#origin = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this.#origin;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    for (const stopWaiting of this.#waiting) stopWaiting();
    // What is on its way to the disk gets there, so that the folder can be deleted afterwards.
    if (this.#callsInWork > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    await closed;
  }

  #wait(milliseconds: number): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      this.#waiting.add(done);
    });
  }

  /** Every answer bears the mark by which a run knows that it is made up. */
  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#callsInWork += 1;
    response.setHeader('x-loom-sandbox', 'made up');
    try {
      await this.#answer(request, response);
    } catch (error) {
      this.#fail(response, error);
    } finally {
      this.#callsInWork -= 1;
      if (this.#callsInWork === 0) this.#idle?.();
    }
  }

  /** A client that went away is no fault of the sandbox; anything else says what it was. */
  #fail(response: ServerResponse, error: unknown): void {
    if (response.destroyed || response.headersSent) return void response.destroy();
    response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' });
    response.end(`The sandbox failed: ${error instanceof Error ? error.message : String(error)}\n`);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? '/';
    const queryAt = url.indexOf('?');
    const path = queryAt === -1 ? url : url.slice(0, queryAt);
    const slash = path.indexOf('/', 1);
    const vendor = this.#vendors.get(path.slice(1, slash === -1 ? undefined : slash));
    if (vendor === undefined || slash === -1) {
      if (path === '/sandbox/faults' && request.method === 'PUT')
        return send(response, await this.#replaceFaults(request));
      await drain(request);
      return send(response, this.#ownPage(path));
    }
    const call: Call = {
      request,
      method: request.method ?? 'GET',
      path: path.slice(slash),
      query: queryAt === -1 ? '' : url.slice(queryAt + 1),
      origin: `${this.#origin}/${vendor.name}`,
      body: '',
    };
    await this.#answerFor(vendor, call, response);
  }

  #ownPage(path: string): Answer {
    if (path === '/') return plain(frontPage(this.#origin));
    if (path !== '/sandbox/stats') return plain(`There is nothing at ${path}. See ${this.#origin}/\n`, 404);
    const body = async function* (pieces: Generator<string>) {
      yield* pieces;
    };
    return {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: body(this.#workshop.statistics.report()),
    };
  }

  /** Tests change what goes wrong between two commands, and the provider is well again. */
  async #replaceFaults(request: IncomingMessage): Promise<Answer> {
    try {
      const faults = readFaults(parseJson(await readText(request, this.#workshop.limits.bodyBytes)));
      this.#workshop.faults.replace(faults);
      return plain('From now on these faults.\n');
    } catch (error) {
      return plain(`${(error as Error).message}\n`, 400);
    }
  }

  async #answerFor(vendor: Vendor, call: Call, response: ServerResponse): Promise<void> {
    const { faults, statistics } = this.#workshop;
    setClock(response, faults.clockOf(vendor.name));
    const operation = vendor.operation(call);
    if (operation === undefined) {
      await drain(call.request);
      return send(
        response,
        vendor.error({ status: 404, message: `Unknown address: ${call.method} ${call.path}` }),
      );
    }
    statistics.called(vendor.name, operation.kind);
    const key = vendor.keyOf(call);
    if (isLive(operation.kind)) {
      const refusal = await this.#readBody(call);
      if (refusal !== undefined) return send(response, vendor.error(refusal));
      if (this.#latencyMs > 0) await this.#wait(this.#latencyMs);
    }
    const fate = faults.forCall(vendor.name, operation.kind, key, call.body);
    if (fate !== undefined) return this.#answerWithFate(vendor, operation, call, response, fate);
    const answer = await this.#work(vendor, operation, key, call);
    statistics.sent(vendor.name, answer.status);
    await send(response, answer);
  }

  async #readBody(call: Call): Promise<{ status: number; message: string } | undefined> {
    try {
      call.body = await readText(call.request, this.#workshop.limits.bodyBytes);
      return undefined;
    } catch (error) {
      if (error instanceof BodyTooLarge) return { status: 413, message: 'The request is too large.' };
      throw error;
    }
  }

  /** Does what the call asks for, if its headers are in order. */
  async #work(vendor: Vendor, operation: Operation, key: string, call: Call): Promise<Answer> {
    const refusal = vendor.refuse(key, call);
    const answer = refusal === undefined ? await this.#run(vendor, operation, call) : vendor.error(refusal);
    await drain(call.request);
    return answer;
  }

  async #run(vendor: Vendor, operation: Operation, call: Call): Promise<Answer> {
    try {
      return await operation.run(call);
    } catch (error) {
      if (!(error instanceof BodyTooLarge)) throw error;
      return vendor.error({ status: 413, message: 'The request is too large.' });
    }
  }

  async #answerWithFate(
    vendor: Vendor,
    operation: Operation,
    call: Call,
    response: ServerResponse,
    { delayMs, effect }: CallFate,
  ): Promise<void> {
    const { statistics } = this.#workshop;
    if (delayMs > 0) await this.#wait(delayMs);
    if (effect?.do === 'cut' && effect.at === 'request') {
      statistics.sent(vendor.name, 'cut');
      call.request.socket.resetAndDestroy();
      return;
    }
    if (effect?.do === 'status' || effect?.do === 'html' || effect?.do === 'bodyError') {
      if ('afterWork' in effect && effect.afterWork) {
        const { status } = await this.#work(vendor, operation, vendor.keyOf(call), call);
        if (operation.kind === 'generate' && status === 200) statistics.lost(vendor.name);
      } else await drain(call.request);
      statistics.sent(vendor.name, effect.status);
      return send(response, injectedAnswer(vendor, effect));
    }
    const answer = await this.#work(vendor, operation, vendor.keyOf(call), call);
    if (effect === undefined || effect.do === 'frame') {
      statistics.sent(vendor.name, answer.status);
      const isFramed = effect !== undefined && answer.status === 200;
      return send(response, isFramed ? putInFrame(answer, effect.as) : answer);
    }
    statistics.sent(vendor.name, 'cut');
    if (operation.kind === 'generate' && answer.status === 200) statistics.lost(vendor.name);
    if (effect.do === 'empty') return send(response, { ...answer, status: 200, body: '' });
    if (effect.do === 'garble') return send(response, garbled(answer));
    if (effect.do === 'stall') return this.#stall(response, answer, effect.afterBytes ?? 1);
    if (effect.at === 'reply') call.request.socket.destroy();
    else await sendPart(response, answer, effect.afterBytes, (socket) => socket?.destroy());
  }

  /** Begins an answer and says nothing more until the client gives up or the sandbox closes. */
  async #stall(response: ServerResponse, answer: Answer, bytes: number): Promise<void> {
    await sendPart(response, answer, bytes, () => {});
    if (!response.destroyed) await new Promise<void>((resolve) => response.once('close', resolve));
  }
}

function setClock(response: ServerResponse, { aheadMs = 0, dateHeader = true }: VendorClock): void {
  response.sendDate = dateHeader;
  if (dateHeader && aheadMs !== 0) response.setHeader('date', new Date(Date.now() + aheadMs).toUTCString());
}

function injectedAnswer(
  vendor: Vendor,
  effect: Extract<NonNullable<CallFate['effect']>, { do: 'status' | 'html' | 'bodyError' }>,
): Answer {
  if (effect.do === 'html') {
    const page = `<html><head><title>${effect.status}</title></head><body>upstream error</body></html>\n`;
    return { status: effect.status, headers: { 'content-type': 'text/html' }, body: page };
  }
  const message =
    (effect.do === 'status' ? effect.message : undefined) ??
    `The sandbox was told to answer ${effect.status}.`;
  if (effect.do === 'bodyError') return { ...vendor.error({ status: effect.status, message }), status: 200 };
  const { status, code, retryAfter, retryAfterMs } = effect;
  const waitMs = retryAfterMs ?? (retryAfter === undefined ? undefined : retryAfter * 1000);
  const answer = vendor.error({ status, message, code, retryAfterMs: waitMs });
  const headers: Record<string, string> = { ...answer.headers };
  // Google sends no such header: the wait is in the body.
  if (vendor.name !== 'google' && retryAfter !== undefined) headers['retry-after'] = String(retryAfter);
  if (vendor.name !== 'google' && retryAfterMs !== undefined)
    headers['retry-after-ms'] = String(retryAfterMs);
  return { ...answer, headers };
}

function garbled(answer: Answer): Answer {
  if (typeof answer.body !== 'string') return { ...answer, body: '{"cut' };
  return { ...answer, body: answer.body.slice(0, Math.floor(answer.body.length / 2)) };
}
