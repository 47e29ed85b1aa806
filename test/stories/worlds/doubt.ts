/** A home whose only part is in doubt, at a provider whose batches are found by their time and size. */
import { rm } from 'node:fs/promises';
import type { Ended } from '../../program.ts';
import type { SandboxWorld } from './sandbox-world.ts';

const atAnthropic = ['-p', 'anthropic', '-m', 'm'];
/** A batch that is as long and as young as the one in doubt. */
export const otherOrder = ['-f', 'other.csv', '-c', 'text', ...atAnthropic];

export interface Doubt {
  readonly jobId: string;
  /** The batch that was submitted, and that its job takes for another's. */
  readonly mine: string;
  /** Runs a command in another home. */
  inOther(...args: string[]): Promise<Ended>;
}

export async function openDoubt(world: SandboxWorld): Promise<Doubt> {
  await world.write('data.csv', 'id,text\n1,Hello\n2,World\n');
  await world.write('other.csv', 'id,text\n1,Other\n2,More\n');
  const mine = await world.submit(...atAnthropic);
  const [jobFile = ''] = await world.listState('jobs');
  await world.changeState<{ parts: object[] }>(jobFile, ({ parts }) =>
    Object.assign(parts[0] ?? {}, { state: 'submitting', batch_id: undefined, mistaken_ids: [mine] }),
  );
  await rm(world.statePath(`batches/anthropic_${mine}.json`));
  return {
    jobId: /job_\w+/.exec(jobFile)?.[0] ?? '',
    mine,
    async inOther(...args) {
      world.environment.LOOM_HOME = 'other';
      try {
        return await world.loom(...args);
      } finally {
        world.environment.LOOM_HOME = '';
      }
    },
  };
}
