/** What each test of a file has for itself: made before it, and ended after it. */
import { afterEach, beforeEach } from 'vitest';
import { createWorld, type World } from '../program.ts';
import { type HttpServer, type Received, type Response, startHttpServer } from './http-server.ts';
import { baseUrlVariables, keyVariables, providers } from './sandbox-world.ts';

/** Stands for a thing that is another one in each test. */
export function standFor<Thing extends object>(current: () => Thing): Thing {
  return new Proxy({} as Thing, {
    get: (_, name) => Reflect.get(current(), name),
    set: (_, name, value) => Reflect.set(current(), name, value),
  });
}

/** A world for each test. */
export function useWorld<Place extends World = World>(
  create: () => Promise<Place> = createWorld as () => Promise<Place>,
): Place {
  let world: Place;
  beforeEach(async () => {
    world = await create();
  });
  afterEach(() => world.remove());
  return standFor(() => world);
}

/** A server for each test, which answers so. */
export function useServer(answer: (request: Received) => Response | Promise<Response>): HttpServer {
  let server: HttpServer;
  beforeEach(async () => {
    server = await startHttpServer(answer);
  });
  afterEach(() => server.close());
  return standFor(() => server);
}

/** A world for each test, and a server that is every provider to it. */
export function useServedWorld(answer: (request: Received) => Response | Promise<Response>): {
  readonly world: World;
  readonly server: HttpServer;
} {
  const server = useServer(answer);
  const world = useWorld(() => createWorld(variablesOf(server.url)));
  return { world, server };
}

/** Variables that name a server, and a key, for every provider. */
export function variablesOf(url: string): Record<string, string> {
  const variables = providers.flatMap((provider) => [
    [baseUrlVariables[provider], url],
    [keyVariables[provider], 'a-key-0123'],
  ]);
  return Object.fromEntries(variables);
}
