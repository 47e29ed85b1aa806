/** A stand-in for the live APIs of all providers, which answers by script and can hold its answers back. */
import { createWorld, type World } from '../../program.ts';
import { type HttpServer, type Received, type Response, startHttpServer } from './http-server.ts';
import { until } from './openai-world.ts';
import { baseUrlVariables, keyVariables, providers } from './sandbox-world.ts';

export interface LiveWorld extends World {
  readonly server: HttpServer;
  /** Prompts in the order in which they were asked. */
  asked(): string[];
  /** Answers nothing until `release`. */
  hold(): void;
  release(): void;
  /** Resolves when so many calls have come. */
  arrived(calls: number): Promise<void>;
  /** What a prompt is answered. */
  answerTo: (prompt: string) => string;
}

/** What a call asks, in any provider's form. */
function promptOf({ body }: Received): string {
  const { messages, contents } = JSON.parse(body);
  return messages?.at(-1).content ?? contents[0].parts[0].text;
}

function say({ path }: Received, text: string): Response {
  if (path.endsWith('/messages')) {
    return {
      body: {
        type: 'message',
        role: 'assistant',
        content: [{ type: 'text', text }],
        stop_reason: 'end_turn',
      },
    };
  }
  if (path.endsWith(':generateContent')) {
    return {
      body: { candidates: [{ content: { role: 'model', parts: [{ text }] }, finishReason: 'STOP' }] },
    };
  }
  const message = { role: 'assistant', content: text };
  return { body: { object: 'chat.completion', choices: [{ index: 0, message, finish_reason: 'stop' }] } };
}

export async function createLiveWorld(): Promise<LiveWorld> {
  let held: Promise<void> | undefined;
  let release = () => {};
  const server = await startHttpServer(async (request) => {
    await held;
    return say(request, world.answerTo(promptOf(request)));
  });
  const environment: Record<string, string> = {};
  for (const provider of providers) {
    environment[baseUrlVariables[provider]] = server.url;
    environment[keyVariables[provider]] = 'a-key';
  }
  const base = await createWorld(environment);
  const world: LiveWorld = {
    ...base,
    server,
    answerTo: (prompt) => `Answer to ${prompt}`,
    asked: () => server.requests.map(promptOf),
    hold() {
      held = new Promise((resolve) => {
        release = resolve;
      });
    },
    release() {
      held = undefined;
      release();
    },
    arrived: (calls) => until(() => server.requests.length >= calls),
    async remove() {
      world.release();
      await server.close();
      await base.remove();
    },
  };
  return world;
}
