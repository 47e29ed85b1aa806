/** A world whose providers are one sandbox behind a proxy of the test's own, which can change what they say on its way. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { providerEntry } from '../../../src/providers/registry.ts';
import { createSandboxWorld, type ProviderName, type SandboxWorld } from './sandbox-world.ts';

/** What comes in place of what a provider said: another body, or another status too. */
type Tamper = (text: string) => string | { readonly status: number; readonly text: string };

export interface TamperedWorld extends SandboxWorld {
  /** Called on what a download of results gets. */
  onResults: Tamper;
  /** Called on what a call about a batch itself gets. */
  onBatch: Tamper;
  /** `DELETE /v1/files/file-1`, of every call that deletes. */
  readonly deletions: string[];
  /** How many batches were created. */
  readonly creations: string[];
}

const resultsPath = /\/content$|\/results$|:download$/;
const batchPath = /\/batches\/[^/:]+$/;

export async function createTamperedWorld(provider: ProviderName, options = {}): Promise<TamperedWorld> {
  const sandboxWorld = await createSandboxWorld(options);
  const deletions: string[] = [];
  const creations: string[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const { method = 'GET', url = '/' } = incoming;
    const headers = new Headers(
      Object.entries(incoming.headers).filter(
        ([name]) => !/^(host|connection|content-length|transfer-encoding|expect)$/.test(name),
      ) as [string, string][],
    );
    const body = method === 'GET' ? undefined : Buffer.concat(chunks);
    const answer = await fetch(`${sandboxWorld.sandbox.origin}${url}`, {
      method,
      headers,
      ...(body && { body }),
    });
    const text = await answer.text();
    const path = url.replace(/\?.*/, '');
    if (method === 'DELETE') deletions.push(path);
    if (method === 'POST' && /\/batches$|:batchGenerateContent$/.test(path)) creations.push(path);
    const tamper =
      method !== 'GET'
        ? undefined
        : resultsPath.test(path)
          ? world.onResults
          : batchPath.test(path)
            ? world.onBatch
            : undefined;
    const tampered = tamper?.(text) ?? text;
    const said = typeof tampered === 'string' ? { status: answer.status, text: tampered } : tampered;
    const passed = [...answer.headers].filter(
      ([name]) => !/^(content-length|content-encoding|transfer-encoding|connection|keep-alive)$/.test(name),
    );
    outgoing.writeHead(said.status, {
      ...Object.fromEntries(passed),
      'content-length': Buffer.byteLength(said.text),
    });
    outgoing.end(said.text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { baseUrlVariable } = providerEntry(provider);
  const address = sandboxWorld.environment[baseUrlVariable] ?? '';
  sandboxWorld.environment[baseUrlVariable] = address.replace(sandboxWorld.sandbox.origin, origin);
  const world: TamperedWorld = {
    ...sandboxWorld,
    onResults: (text) => text,
    onBatch: (text) => text,
    deletions,
    creations,
    async remove() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await sandboxWorld.remove();
    },
  };
  return world;
}
