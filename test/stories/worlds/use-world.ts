/** What each test of a file has for itself: made before it, and ended after it. */
import { afterEach, beforeEach } from 'vitest';
import { createWorld, type World } from '../../program.ts';
import { type HttpServer, type Received, type Response, startHttpServer } from './http-server.ts';
import { baseUrlVariables, keyVariables, providers } from './sandbox-world.ts';

/** Stands for a thing that is another one in each test. */
export function standFor<Thing extends object>(current: () => Thing): Thing {
  return new Proxy({} as Thing, {
    get: (_, name) => Reflect.get(current(), name),
    set: (_, name, value) => Reflect.set(current(), name, value),
  });
}

/** A thing that each test has for itself. */
export function eachTest<Thing extends object>(
  make: () => Promise<Thing>,
  end: (thing: Thing) => Promise<unknown>,
): Thing {
  let thing: Thing;
  beforeEach(async () => {
    thing = await make();
  });
  afterEach(() => end(thing));
  return standFor(() => thing);
}

/** A world for each test. */
export function useWorld<Place extends World = World>(
  create: () => Promise<Place> = createWorld as () => Promise<Place>,
): Place {
  return eachTest(create, (world) => world.remove());
}

/** A server for each test, which answers so. */
export function useServer(answer: (request: Received) => Response | Promise<Response>): HttpServer {
  return eachTest(
    () => startHttpServer(answer),
    (server) => server.close(),
  );
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
