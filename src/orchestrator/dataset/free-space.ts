/** Says that the disk is too small before the work starts, not in the middle of it. */
import { stat, statfs } from 'node:fs/promises';
import { LoomError } from '../../core/errors.ts';
import { traitsOf } from '../../formats/format.ts';
import { ensurePrivateFolder } from '../../storage/files.ts';
import type { DatasetOrder } from './dataset-order.ts';

/** A request file is as large as the input and a little more; a compressed input is several times as large inside. */
const plainFactor = 1.5;
const packedFactor = 6;

/** LoomError `state` when the folder's disk can't hold the requests or answers of this input. */
export async function checkFreeSpace(folder: string, dataset: DatasetOrder): Promise<void> {
  await ensurePrivateFolder(folder);
  // What a few rows of a large file take is not known before it is read.
  if (dataset.pick) return;
  const input = await stat(dataset.path).catch(() => undefined);
  const disk = await statfs(folder).catch(() => undefined);
  if (!input || !disk) return;
  const { gzip, fileType } = dataset.format;
  const isPacked = gzip || traitsOf(fileType).packing === 'inside';
  const needed = input.size * (isPacked ? packedFactor : plainFactor);
  const free = disk.bavail * disk.bsize;
  if (free >= needed) return;
  const inMegabytes = (bytes: number) => Math.ceil(bytes / 1_000_000);
  const what = `${folder} has ${inMegabytes(free)} MB free, and this run may need ${inMegabytes(needed)} MB there.`;
  throw new LoomError('state', what, { hint: 'Free some space. Nothing was sent.' });
}
