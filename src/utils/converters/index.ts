/** The converter of each file type, loaded only when a file of that type is read. */
import type { FileType } from '../../models.ts';
import type { Converter } from './format.ts';

const loaders: Readonly<Record<FileType, () => Promise<Converter>>> = {
  csv: async () => (await import('./csv.ts')).csvConverter,
  tsv: async () => (await import('./csv.ts')).tsvConverter,
  json: async () => (await import('./json.ts')).jsonConverter,
  jsonl: async () => (await import('./jsonl.ts')).jsonlConverter,
  parquet: async () => (await import('./parquet.ts')).parquetConverter,
};

/** The converter for a file type. */
export function converterFor(fileType: FileType): Promise<Converter> {
  return loaders[fileType]();
}
