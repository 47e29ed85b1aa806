/** Calls through a proxy to the vendors' own addresses: tunnels, passwords, certificates, and what is refused. */
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { sandboxKey } from '../../../src/sandbox/server.ts';
import {
  authorityPath,
  type ProxyOptions,
  type ProxyServer,
  startProxy,
  startVendors,
  type VendorServer,
  vendorHosts,
} from '../worlds/proxy.ts';
import {
  baseUrlVariables,
  batchProviders,
  createSandboxWorld,
  fetchUntilDone,
  orderOf,
  type ProviderName,
  providers,
  type SandboxWorld,
} from '../worlds/sandbox-world.ts';

const hosts: Readonly<Record<ProviderName, string>> = {
  openai: 'api.openai.com',
  anthropic: 'api.anthropic.com',
  google: 'generativelanguage.googleapis.com',
  openrouter: 'openrouter.ai',
  alibaba: 'dashscope-intl.aliyuncs.com',
};
const answered = 'id,text,llm_response\n1,Hello,Sandbox answer from m: Hello\n';

let world: SandboxWorld;
let vendors: VendorServer;
let proxy: ProxyServer;

const { createSecureContext } = tls;

// NODE_EXTRA_CA_CERTS is read by a process when it starts: in this one the authority is known to each connection.
beforeAll(() => {
  const ca = readFileSync(authorityPath);
  tls.createSecureContext = (options) => createSecureContext({ ca, ...options });
});

afterAll(() => {
  tls.createSecureContext = createSecureContext;
});

beforeEach(async () => {
  world = await createSandboxWorld();
  // Without these the calls go to the vendors' own names.
  for (const variable of Object.values(baseUrlVariables)) delete world.environment[variable];
  world.environment.NODE_EXTRA_CA_CERTS = authorityPath;
  await world.write('data.csv', 'id,text\n1,Hello\n');
  vendors = await startVendors(world.sandbox.origin);
  proxy = await open();
});

afterEach(async () => {
  await proxy.close();
  await vendors.close();
  await world.remove();
});

/** A proxy that reaches the vendors and `gateway.example.com`, in the environment as HTTPS_PROXY. */
async function open(options: Partial<ProxyOptions> = {}): Promise<ProxyServer> {
  await proxy?.close();
  const ports = Object.fromEntries(
    [...vendorHosts, 'files.example.com'].map((host) => [`${host}:443`, vendors.port]),
  );
  const sandboxPort = Number(new URL(world.sandbox.origin).port);
  const opened = await startProxy({ ports: { ...ports, 'gateway.example.com:80': sandboxPort }, ...options });
  world.environment.HTTPS_PROXY = options.secure
    ? `https://localhost:${opened.port}`
    : `http://127.0.0.1:${opened.port}`;
  return opened;
}

const orderTo = (provider: ProviderName, ...flags: string[]) => orderOf(provider, '-o', 'out.csv', ...flags);
const run = (provider: ProviderName, ...flags: string[]) => world.loom('run', ...orderTo(provider, ...flags));

test('the authority in NODE_EXTRA_CA_CERTS is trusted, through the proxy', async () => {
  const ended = await world.loomProcess('run', ...orderTo('openai', '--sync'));
  expect(ended).toMatchObject({ code: 0 });
  expect(await world.read('out.csv')).toBe(answered);
  expect(proxy.asked).toEqual(['CONNECT api.openai.com:443']);
});

describe('HTTPS_PROXY', () => {
  test.each(providers)('is the way of live calls to %s, by a tunnel', async (provider) => {
    expect(await run(provider, '--sync')).toMatchObject({ code: 0 });
    expect(await world.read('out.csv')).toBe(answered);
    expect(proxy.asked).toEqual([`CONNECT ${hosts[provider]}:443`]);
    expect(vendors.calls.map(({ host }) => host)).toEqual([hosts[provider]]);
  });

  test.each(batchProviders)(
    'is the way of batches of %s, from the upload to the results',
    async (provider) => {
      expect(await run(provider)).toMatchObject({ code: 0 });
      expect(await fetchUntilDone(world)).toMatchObject({ code: 0 });
      expect(await world.read('out.csv')).toBe(answered);
      expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT ${hosts[provider]}:443`]));
    },
  );

  test('may be in lower case, which wins', async () => {
    world.environment.https_proxy = world.environment.HTTPS_PROXY as string;
    world.environment.HTTPS_PROXY = 'http://127.0.0.1:9';
    expect(await run('openai', '--sync')).toMatchObject({ code: 0 });
  });

  test('may be a proxy that itself speaks TLS', async () => {
    proxy = await open({ secure: true });
    expect(await run('openai', '--sync')).toMatchObject({ code: 0 });
    expect(proxy.asked).toEqual(['CONNECT api.openai.com:443']);
  });

  test('may lack its scheme', async () => {
    world.environment.HTTPS_PROXY = `127.0.0.1:${proxy.port}`;
    expect(await run('openai', '--sync')).toMatchObject({ code: 0 });
    expect(proxy.asked).toEqual(['CONNECT api.openai.com:443']);
  });

  test('has no part in a run with --sandbox', async () => {
    world.environment.HTTP_PROXY = world.environment.HTTPS_PROXY = 'not an address';
    expect(await run('openai', '--sync', '--sandbox')).toMatchObject({ code: 0 });
  });
});

describe('HTTP_PROXY', () => {
  beforeEach(() => {
    world.environment.HTTP_PROXY = world.environment.HTTPS_PROXY as string;
    delete world.environment.HTTPS_PROXY;
  });

  test.each(providers)(
    'is the way to an http address of %s, which it is asked for whole',
    async (provider) => {
      const path = new URL(world.sandbox.baseUrls[provider]).pathname;
      world.environment[baseUrlVariables[provider]] = `http://gateway.example.com${path}`;
      expect(await run(provider, '--sync')).toMatchObject({ code: 0 });
      expect(await world.read('out.csv')).toBe(answered);
      expect(proxy.asked).toHaveLength(1);
      expect(proxy.asked[0]).toMatch(new RegExp(`^POST http://gateway\\.example\\.com${path}/`));
    },
  );

  test('serves https addresses too where HTTPS_PROXY is not set', async () => {
    expect(await run('openai', '--sync')).toMatchObject({ code: 0 });
    expect(proxy.asked).toEqual(['CONNECT api.openai.com:443']);
  });
});

describe('NO_PROXY', () => {
  test('and an address on this machine lead past the proxy', async () => {
    world.environment.HTTP_PROXY = world.environment.HTTPS_PROXY as string;
    world.environment.OPENAI_BASE_URL = world.sandbox.baseUrls.openai;
    expect(await run('openai', '--sync')).toMatchObject({ code: 0 });
    world.environment.OPENAI_BASE_URL = world.sandbox.baseUrls.openai.replace('127.0.0.1', '0.0.0.0');
    world.environment.NO_PROXY = 'example.com, 0.0.0.0/8';
    expect(await run('openai', '--sync', '--force', '--no-cache')).toMatchObject({ code: 0 });
    expect(proxy.asked).toEqual([]);
  });
});

describe('a password of the proxy', () => {
  const login = 'ada:p@ss/w%rd é';
  const encoded = 'ada:p%40ss%2Fw%25rd%20%C3%A9';
  const secret = Buffer.from(login).toString('base64');

  test.each(['https', 'http'])('is sent to it alone, decoded, for an %s address', async (scheme) => {
    proxy = await open({ login });
    const variable = `${scheme.toUpperCase()}_PROXY`;
    world.environment[variable] = `http://${encoded}@127.0.0.1:${proxy.port}`;
    if (scheme === 'http') world.environment.OPENAI_BASE_URL = 'http://gateway.example.com/openai/v1';
    expect(await run('openai', '--sync')).toMatchObject({ code: 0 });
    expect(proxy.passwords).toEqual([`Basic ${secret}`]);
    for (const { headers } of vendors.calls) expect(headers).not.toHaveProperty('proxy-authorization');
  });

  test('may be empty', async () => {
    proxy = await open({ login: 'token:' });
    world.environment.HTTPS_PROXY = `http://token@127.0.0.1:${proxy.port}`;
    expect(await run('openai', '--sync')).toMatchObject({ code: 0 });
  });

  test.each([
    ['refuses a tunnel', 'https', 403],
    ['refuses the password', 'https', 407],
    ['refuses a call, and repeats it', 'http', 403],
    ['refuses the password of a call', 'http', 407],
  ])('is in no message, trace or file when the proxy %s', async (_, scheme, refusal) => {
    proxy = await open({ refusals: [refusal] });
    world.environment[`${scheme.toUpperCase()}_PROXY`] = `http://${encoded}@127.0.0.1:${proxy.port}`;
    if (scheme === 'http') world.environment.OPENAI_BASE_URL = 'http://gateway.example.com/openai/v1';
    world.environment.LOOM_DEBUG = '1';
    for (const ended of [await run('openai', '--sync'), await run('openai')]) {
      expect(ended.code).toBe(1);
      for (const word of [login, encoded, secret, 'p@ss', 'p%40ss'])
        expect(ended.stdout + ended.stderr).not.toContain(word);
    }
    for (const name of await world.listState()) {
      expect(await world.readState(name)).not.toMatch(/p@ss|p%40ss/);
    }
    // Each command asked once.
    expect(proxy.asked).toHaveLength(2);
  });
});

describe('one clear line, and no second try, when', () => {
  test.each<[string, () => Promise<unknown> | unknown, () => string]>([
    [
      'the proxy wants a password',
      async () => {
        proxy = await open({ login: 'ada:lovelace' });
      },
      () =>
        `The proxy http://127.0.0.1:${proxy.port} (HTTPS_PROXY) asks for a user and a password (407). Set HTTPS_PROXY to http://user:password@127.0.0.1:${proxy.port}.`,
    ],
    [
      'the proxy does not take the password',
      async () => {
        proxy = await open({ login: 'ada:lovelace' });
        world.environment.HTTPS_PROXY = `http://ada:secret@127.0.0.1:${proxy.port}`;
      },
      () =>
        `The proxy http://127.0.0.1:${proxy.port} (HTTPS_PROXY) does not take the user and password in HTTPS_PROXY (407). Check them, and percent-encode special characters.`,
    ],
    [
      'the proxy, as tinyproxy does, says 401 to a password',
      async () => {
        proxy = await open({ refusals: [401] });
        world.environment.HTTPS_PROXY = `http://ada:secret@127.0.0.1:${proxy.port}`;
      },
      () =>
        `The proxy http://127.0.0.1:${proxy.port} (HTTPS_PROXY) does not take the user and password in HTTPS_PROXY (401). Check them, and percent-encode special characters.`,
    ],
    [
      'the proxy does not allow the host',
      async () => {
        proxy = await open({ refusals: [403] });
      },
      () =>
        `The proxy http://127.0.0.1:${proxy.port} (HTTPS_PROXY) did not connect to api.openai.com:443 (403). Have the proxy allow it, or pass the proxy by: NO_PROXY=api.openai.com.`,
    ],
    [
      'nobody vouches for the certificate',
      () => delete world.environment.NODE_EXTRA_CA_CERTS,
      () =>
        'The certificate of api.openai.com comes from an authority that is not known here (UNABLE_TO_VERIFY_LEAF_SIGNATURE). If the network or the server has an authority of its own, name the file of its certificate: NODE_EXTRA_CA_CERTS=/path/to/ca.pem.',
    ],
    [
      'NODE_EXTRA_CA_CERTS holds another authority',
      () => {
        world.environment.NODE_EXTRA_CA_CERTS = authorityPath.replace('authority', 'server');
      },
      () =>
        `The certificate of api.openai.com comes from an authority that is not known here (UNABLE_TO_VERIFY_LEAF_SIGNATURE). NODE_EXTRA_CA_CERTS is ${authorityPath.replace('authority', 'server')}: it must hold the certificate of that authority, in PEM form.`,
    ],
    [
      'the certificate is out of date',
      async () => {
        await vendors.close();
        vendors = await startVendors(world.sandbox.origin, { certificate: 'expired' });
        proxy = await open();
      },
      () => "The certificate of api.openai.com can't be trusted: certificate has expired.",
    ],
    [
      'the certificate is for another name',
      async () => {
        proxy = await open({ ports: { 'wrong.example.com:443': vendors.port } });
        world.environment.OPENAI_BASE_URL = 'https://wrong.example.com/v1';
      },
      () => "The certificate of wrong.example.com can't be trusted: Hostname/IP does not match certificate's",
    ],
    [
      'the proxy is given as one with TLS, and has none',
      () => {
        world.environment.HTTPS_PROXY = `https://localhost:${proxy.port}`;
      },
      () =>
        `The proxy https://localhost:${proxy.port} (HTTPS_PROXY) does not speak TLS. Set HTTPS_PROXY to http://localhost:${proxy.port}, if that is how it is meant.`,
    ],
    [
      'the proxy is of another kind',
      () => {
        world.environment.HTTPS_PROXY = 'socks5://ada:lovelace@proxy.example.com:1080';
      },
      () =>
        'HTTPS_PROXY names a socks5 proxy, socks5://…@proxy.example.com:1080. Give it one such as http://proxy.example.com:3128 or http://user:password@proxy.example.com:3128, with special characters of the password percent-encoded (@ is %40).',
    ],
  ])('%s', async (what, prepare, line) => {
    await prepare();
    const start = /CA_CERTS|vouches/.test(what) ? world.loomProcess : world.loom;
    const ended = await start('run', ...orderTo('openai', '--sync'));
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr.split('\n')[1]).toContain(`Error: OpenAI: ${line()}`);
    expect(ended.stderr.trim().split('\n')).toHaveLength(2);
    expect(proxy.asked.length).toBeLessThanOrEqual(1);
  });
});

test('a proxy that fails to reach the provider is asked again', async () => {
  proxy = await open({ refusals: [502, 503, undefined] });
  expect(await run('openai', '--sync')).toMatchObject({ code: 0 });
  expect(proxy.asked).toHaveLength(3);
});

test('results that lie at another host are fetched through the proxy, without the key', async () => {
  await vendors.close();
  vendors = await startVendors(world.sandbox.origin, { answer: redirectDownloads });
  proxy = await open();
  expect(await run('openai')).toMatchObject({ code: 0 });
  expect(await fetchUntilDone(world)).toMatchObject({ code: 0 });
  expect(await world.read('out.csv')).toBe(answered);
  expect(proxy.asked).toContain('CONNECT files.example.com:443');
  const [download] = vendors.calls.filter(({ host }) => host === 'files.example.com');
  expect(download?.headers).not.toHaveProperty('authorization');
});

/** Files are elsewhere, as with a storage service. */
function redirectDownloads(host: string, path: string, outgoing: ServerResponse): boolean {
  if (host !== 'files.example.com') {
    if (!path.endsWith('/content')) return false;
    outgoing.writeHead(302, { location: `https://files.example.com${path}` }).end();
    return true;
  }
  const headers = { authorization: `Bearer ${sandboxKey}` };
  void fetch(`${world.sandbox.origin}/openai${path}`, { headers })
    .then((answer) => answer.text())
    .then((text) => outgoing.end(text));
  return true;
}
