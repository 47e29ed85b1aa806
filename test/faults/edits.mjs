/** Inputs in every format, what people do to them meanwhile, and which answers an output lacks. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { askFor, makeRows, model, refusedPrompt, writers } from './inputs.mjs';
import { readRows } from './outputs.mjs';

export const formats = ['csv', 'json', 'jsonl', 'parquet'];

const writeParquet = (prompts) =>
  Buffer.from(
    parquetWriteBuffer({
      columnData: [
        { name: 'id', data: prompts.map((_, index) => `00${index}`), type: 'STRING' },
        { name: 'text', data: prompts, type: 'STRING' },
      ],
    }),
  );

/** An input of any format, under a name of its own; the column of the prompts is that of the format. */
export class EditedInput {
  constructor(world, provider, format) {
    this.world = world;
    this.format = format;
    this.name = `edited.${format}`;
    this.output = `edited_results_${provider}_${model}.${format}`;
    const column = format === 'csv' || format === 'parquet' ? ['-c', 'text'] : [];
    this.args = (...flags) => [
      ...['run', '-f', this.name, '-p', provider, '-m', model, ...column],
      ...[...askFor(provider, flags), ...flags],
    ];
  }

  /** In place, as an editor that writes over the file, or as a new file, as most do. */
  async write(prompts, asNewFile = true) {
    const write = this.format === 'parquet' ? writeParquet : writers[this.format];
    const path = join(this.world.folder, this.name);
    if (!asNewFile) return writeFile(path, write(prompts));
    await writeFile(`${path}.new`, write(prompts));
    await rename(`${path}.new`, path);
  }

  /** How many rows with an answerable prompt have no answer. */
  async countUnanswered() {
    const rows = await readRows(join(this.world.folder, this.output)).catch(() => []);
    const answered = new Set(rows.filter((row) => row.llm_response).map((row) => row.text ?? row.prompt));
    return [...new Set(makeRows())].filter(
      (prompt) => prompt !== '' && prompt !== refusedPrompt && !answered.has(prompt),
    ).length;
  }

  readOutput() {
    return readFile(join(this.world.folder, this.output), 'utf8').catch(() => undefined);
  }
}

/** What people do to an input while loom works on it. */
export const edits = {
  'a row deleted': (rows) => rows.toSpliced(4, 1),
  'a row added in front': (rows) => ['One more in front?', ...rows],
  'a row added at the end': (rows) => [...rows, 'One more at the end?'],
  sorted: (rows) => [...rows].sort(),
  'a prompt changed': (rows) => rows.with(6, 'What is said of number 9999?'),
  'two prompts exchanged': (rows) => rows.with(2, rows[4]).with(4, rows[2]),
  replaced: (rows) => rows.map((_, index) => `What is asked in row ${index}?`),
  emptied: () => [],
};
