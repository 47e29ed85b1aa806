/** The converter of each file type, loaded only when a file of that type is read. */
import type { FileType } from '../../models.ts';
import type { Converter } from './format.ts';

/** The converter for a file type. */
export async function converterFor(fileType: FileType): Promise<Converter> {
  if (fileType === 'csv') return (await import('./csv.ts')).csvConverter;
  return (await import('./json.ts')).jsonConverter;
}
