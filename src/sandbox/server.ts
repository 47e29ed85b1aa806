/**
 * The sandbox: a local stand-in for the APIs of OpenAI, Anthropic, Google Gemini, OpenRouter, Alibaba Cloud Model
 * Studio xAI and Fireworks, and for a model server on one's own machine, spoken over real HTTP, so that a whole run can be rehearsed
 * without a key and without cost. Loopback only.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { anthropicVendor } from './anthropic/vendor.ts';
import { Statistics } from './engine/statistics.ts';
import { Store } from './engine/store.ts';
import type { SandboxContext, Vendor } from './engine/vendor.ts';
import { losesAnswer, preventsWork, sendWithFate, statusOf } from './fates.ts';
import { type Faults, readFaults } from './fault-fields.ts';
import { FaultScript } from './faults.ts';
import { fireworksVendor } from './fireworks/vendor.ts';
import { frontPage } from './front-page.ts';
import { googleVendor } from './google/vendor.ts';
import { type Answer, Call, drain, isLive, plain, Refused, routesOf, send } from './http/http.ts';
import { mistralVendor } from './mistral/vendor.ts';
import { openrouterVendor } from './openai/openrouter.ts';
import { openaiVendor } from './openai/vendor.ts';
import { baseUrlsAt, isVendorName, type VendorName, vendorNames } from './vendors.ts';
import { xaiVendor } from './xai/vendor.ts';

export type { Faults } from './fault-fields.ts';
export { readFaults } from './fault-fields.ts';

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
  readonly limits?: SandboxContext['limits'];
  readonly faults?: Faults;
  /** Counts how often each prompt was answered, for `GET /sandbox/stats`; costs memory. */
  readonly countPrompts?: boolean;
}

export interface Sandbox {
  readonly origin: string;
  /** In the form in which each vendor's SDK takes its base URL. */
  readonly baseUrls: Readonly<Record<VendorName, string>>;
  /** The same for any name: who is none of the vendors speaks as OpenAI does, live and in batches. */
  baseUrlOf(name: string): string;
  /** Ends at once: open connections are cut. */
  close(): Promise<void>;
}

/** What `loom sandbox` gives people, and names.ts knows; any other key that does not begin with `bad-` is taken too. */
export const sandboxKey: string = 'sandbox-key';

function openVendor(context: SandboxContext, name: VendorName): Vendor {
  if (name === 'anthropic') return anthropicVendor(context);
  if (name === 'google') return googleVendor(context);
  if (name === 'fireworks') return fireworksVendor(context);
  if (name === 'xai') return xaiVendor(context);
  if (name === 'mistral') return mistralVendor(context);
  return name === 'openrouter' ? openrouterVendor(context) : openaiVendor(context, name);
}

/** Starts a sandbox on 127.0.0.1. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const store = new Store(options.dir);
  await store.prepare();
  const running = new RunningSandbox(store, options);
  const origin = await running.listen(options.port ?? 0);
  const baseUrls = baseUrlsAt(origin);
  const baseUrlOf = (name: string) => (isVendorName(name) ? baseUrls[name] : baseUrls.compatible);
  return { origin, baseUrls, baseUrlOf, close: () => running.close() };
}

interface OpenVendor extends Vendor {
  readonly find: ReturnType<typeof routesOf>;
}

class RunningSandbox {
  readonly #server: Server;
  readonly #context: SandboxContext;
  readonly #vendors: ReadonlyMap<string, OpenVendor>;
  readonly #latencyMs: number;
  readonly #waiting = new Set<() => void>();
  #origin = '';
  #callsInWork = 0;
  #isClosed = false;
  #idle: (() => void) | undefined;

  constructor(store: Store, options: SandboxOptions) {
    this.#latencyMs = options.latencyMs ?? 0;
    this.#context = {
      store,
      limits: options.limits ?? {},
      turnaroundMs: options.turnaroundMs ?? 1000,
      faults: new FaultScript(options.faults),
      statistics: new Statistics(options.countPrompts ?? false),
      wait: (milliseconds) => this.#wait(milliseconds),
    };
    const vendors = vendorNames.map((name): [string, OpenVendor] => {
      const vendor = openVendor(this.#context, name);
      return [name, { ...vendor, find: routesOf(vendor.routes) }];
    });
    this.#vendors = new Map(vendors);
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
    if (this.#isClosed) return;
    this.#isClosed = true;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    for (const stopWaiting of this.#waiting) stopWaiting();
    // What is on its way to the disk gets there, so that the folder can be deleted afterwards.
    if (this.#callsInWork > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    await closed;
  }

  #wait(milliseconds: number): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
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
      // A client that went away is no fault of the sandbox; anything else says what it was.
      if (response.destroyed || response.headersSent) response.destroy();
      else await send(response, plain(`The sandbox failed: ${(error as Error).message}\n`, 500));
    } finally {
      this.#callsInWork -= 1;
      if (this.#callsInWork === 0) this.#idle?.();
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = '', query] = (request.url ?? '/').split(/\?(.*)/s);
    const [, name = '', rest] = /^\/([^/]*)(\/.*)?$/s.exec(path) ?? [];
    const vendor = this.#vendors.get(name);
    if (vendor === undefined || rest === undefined) {
      const page = await this.#ownPage(new Call(request, path, query, this.#origin));
      await drain(request);
      return send(response, page);
    }
    const call = new Call(request, rest, query, `${this.#origin}/${name}`);
    try {
      await this.#answerVendor(vendor, call, response);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      await drain(request);
      await send(response, vendor.error(error));
    }
  }

  async #ownPage(call: Call): Promise<Answer> {
    const { method, path } = call;
    const { statistics } = this.#context;
    if (method === 'PUT' && path === '/sandbox/faults') return this.#replaceFaults(call);
    if (path === '/') return plain(frontPage(this.#origin));
    if (path !== '/sandbox/stats') return plain(`There is nothing at ${path}. See ${this.#origin}/\n`, 404);
    return { status: 200, headers: { 'content-type': 'application/json' }, body: statistics.report() };
  }

  /** Tests change what goes wrong between two commands, and the provider is well again. */
  async #replaceFaults(call: Call): Promise<Answer> {
    try {
      this.#context.faults.replace(readFaults(await call.json()));
      return plain('From now on these faults.\n');
    } catch (error) {
      return plain(`${(error as Error).message}\n`, 400);
    }
  }

  async #answerVendor(vendor: OpenVendor, call: Call, response: ServerResponse): Promise<void> {
    const { faults, statistics } = this.#context;
    const { aheadMs = 0, dateHeader = true } = faults.clockOf(vendor.name);
    response.sendDate = dateHeader;
    if (dateHeader && aheadMs !== 0) response.setHeader('date', new Date(Date.now() + aheadMs).toUTCString());
    const found = vendor.find(call);
    if (found === undefined) throw new Refused(404, `Unknown address: ${call.method} ${call.path}`);
    const { kind, run } = found;
    statistics.count(vendor.name, 'calls', kind);
    const key = vendor.keyOf(call);
    if (isLive(kind)) {
      call.body = await call.text();
      if (this.#latencyMs > 0) await this.#wait(this.#latencyMs);
    }
    const { delayMs, fate } = faults.forCall({ vendor: vendor.name, kind, key, body: call.body ?? '' });
    if (delayMs > 0) await this.#wait(delayMs);
    const isPrevented = fate !== undefined && preventsWork(fate);
    const answer = isPrevented ? plain('') : await this.#work(vendor, key, call, run);
    // A client that is still sending gets to read the answer.
    if (fate?.do !== 'cut' || fate.at !== 'request') await drain(call.request);
    if (kind === 'generate' && answer.status === 200 && !isPrevented && losesAnswer(fate))
      statistics.lost(vendor.name);
    statistics.count(vendor.name, 'statuses', statusOf(fate, answer));
    await (fate ? sendWithFate(response, answer, fate, vendor) : send(response, answer));
  }

  /** Does what the call asks for, if its headers are in order. */
  async #work(vendor: Vendor, key: string, call: Call, run: () => Answer | Promise<Answer>): Promise<Answer> {
    try {
      const refusal = vendor.refuse(key, call);
      return refusal === undefined ? await run() : vendor.error(refusal);
    } catch (error) {
      if (error instanceof Refused) return vendor.error(error);
      throw error;
    }
  }
}
