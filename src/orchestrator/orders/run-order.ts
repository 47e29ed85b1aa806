/** What a run is asked for, in whatever way it is done. */
import type { GenerationSettings, ProviderName } from '../../core/models.ts';
import type { Dataset } from '../dataset/dataset.ts';
import type { DatasetOrder } from '../dataset/dataset-order.ts';
import type { ColumnChoice } from '../output/columns.ts';

export interface RunOrder {
  readonly dataset: DatasetOrder;
  readonly provider: ProviderName;
  readonly model: string;
  /** Absolute; only a name where the output is handed over. */
  readonly outputPath: string;
  readonly columns: ColumnChoice;
  /** Answers go to and come from the cache, and equal prompts are asked once. */
  readonly useCache: boolean;
  readonly settings?: GenerationSettings | undefined;
  /** Of live calls. No part of what is asked. */
  readonly tier?: string | undefined;
  /** The address that was given for this run; a batch keeps it for its fetch. */
  readonly baseUrl?: string | undefined;
  /** Names of the headers that go with it; a batch keeps them, to miss them at its fetch. */
  readonly headers?: readonly string[] | undefined;
  /** Where it is asked; undefined where the server has a name in the place of its address. */
  readonly address?: string | undefined;
  /** Whose answers it takes and gives, as `nameServer` has it. */
  readonly server: string;
}

/** The same once it is settled what rows are run. */
export interface DrawnOrder extends RunOrder {
  readonly dataset: Dataset;
}
