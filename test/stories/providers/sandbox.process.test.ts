/** `loom sandbox` as a server, and commands that are told by its lines where it is. */
import { beforeEach, describe, expect, test } from 'vitest';
import { until } from '../worlds/openai-world.ts';
import { providers } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld();

beforeEach(async () => {
  await world.write('data.csv', 'id,text\n1,Hello\n');
});

const merged = 'id,text,llm_response\n1,Hello,Sandbox answer from m: Hello\n';

interface Served {
  /** Ends it by SIGINT, and gives its exit code. */
  stop(): Promise<number | null>;
}

/** Starts `loom sandbox`; env.sh then has what it printed. */
async function serve(...flags: string[]): Promise<Served> {
  const { process: server, ended } = world.start('sandbox', ...flags);
  let lines = '';
  server.stdout?.on('data', (text: string) => {
    lines += text;
  });
  await until(() => lines.split('\n').length > providers.length);
  await world.write('env.sh', lines);
  return {
    async stop() {
      server.kill('SIGINT');
      return (await ended).code;
    },
  };
}

describe.skipIf(process.platform === 'win32')('loom sandbox', () => {
  test('serves every provider, until it is interrupted', async () => {
    const served = await serve('--turnaround', '50');
    for (const provider of providers) {
      const args = `-f data.csv -c text -p ${provider} -m m --sync -o ${provider}.csv`;
      expect(await world.shellHere(`. ./env.sh; loom run ${args}`)).toMatchObject({ code: 0 });
      expect(await world.read(`${provider}.csv`)).toBe(merged);
    }
    expect(await served.stop()).toBe(130);
  });

  test('--faults makes happen what its file says', async () => {
    const refusal = { operation: 'generate', do: 'status', status: 400, message: 'As the script says.' };
    await world.write('faults.json', JSON.stringify({ calls: [{ provider: 'openai', ...refusal }] }));
    const served = await serve('--faults', 'faults.json');
    const run = await world.shellHere('. ./env.sh; loom run -f data.csv -c text -p openai -m m --sync');
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('As the script says.');
    const other = await world.shellHere('. ./env.sh; loom run -f data.csv -c text -p openrouter -m m --sync');
    expect(other.code).toBe(0);
    await served.stop();
  });
});

test.skipIf(process.platform === 'win32')('a call that is tried again is told in sentences', async () => {
  const trouble = { operation: 'generate', do: 'status', status: 503, message: 'Overloaded', retryAfter: 2 };
  await world.write('faults.json', JSON.stringify({ calls: [{ ...trouble, times: 1 }] }));
  const served = await serve('--faults', 'faults.json');
  const run = await world.shellHere('. ./env.sh; loom run -f data.csv -c text -p openai -m m --sync');
  expect(run.stderr).toContain('OpenAI: Overloaded. Trying again in 2 s.\n');
  await served.stop();
});
