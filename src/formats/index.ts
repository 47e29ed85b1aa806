/** The converter of each file type, loaded only when a file of that type is read. */
import type { FileType } from '../core/models.ts';
import type { Converter } from './format.ts';

const loaders: Readonly<Record<FileType, () => Promise<Converter>>> = {
  csv: async () => (await import('./csv/csv.ts')).csvConverter,
  tsv: async () => (await import('./csv/csv.ts')).tsvConverter,
  json: async () => (await import('./json/json.ts')).jsonConverter,
  jsonl: async () => (await import('./json/jsonl.ts')).jsonlConverter,
  parquet: async () => (await import('./parquet/parquet.ts')).parquetConverter,
};

/** The converter for a file type. */
export function converterFor(fileType: FileType): Promise<Converter> {
  return loaders[fileType]();
}
