/** The columns of a report's table, in the order of a row's texts, and what rows may be chosen by. */
import { basename } from 'node:path';
import type { OutputReport } from '../../api/report-output.ts';
import { usualAnswer } from '../../core/names.ts';
import { listLabels } from './labels.ts';
import type { PageColumn, PageTable } from './page-data.ts';

/** More have no room beside prompts and answers; whoever reads may choose others, and the view of a row has them all. */
const mostOwnColumns = 4;
const mostFieldColumns = 8;
/** Where it is not known which of them hold the prompts. */
const mostUnknownColumns = 6;

/** On average; columns of longer texts take more room than they are worth. */
const shortCharacters = 20;

export function describeTable(facts: OutputReport): PageTable {
  const columns = describeColumns(facts);
  const placeOf = (name: string) => columns.findIndex((column) => column.name === name);
  return {
    columns,
    reasonColumn: columns.findIndex(({ role }) => role === 'reason'),
    kinds: facts.survey.failures.map(({ kind }) => kind),
    labels: listLabels(facts).map(({ name, label }) => ({ column: placeOf(name), label })),
    savedName: `${basename(facts.found.path).replace(/(\.\w+)?(\.gz)?$/i, '')}_rows.csv`,
    savedDelimiter: facts.survey.source.layout?.delimiter ?? ',',
  };
}

function describeColumns({ survey }: OutputReport): PageColumn[] {
  const { otherNames, detailNames, promptSource, columns } = survey.source;
  const errorName = columns.beside.error ?? 'llm_error';
  return [
    ...describeOwn(survey),
    {
      title: 'Prompt',
      name: nameOfPrompt(promptSource, otherNames),
      role: 'prompt',
      kind: 'text',
      inTable: promptSource !== undefined,
    },
    ...describeAnswer(survey),
    { title: 'Reason', name: errorName, role: 'reason', kind: 'text', inTable: false },
    ...detailNames.map((name): PageColumn => {
      return { title: name, name, role: 'beside', kind: 'short', inTable: false };
    }),
  ];
}

function describeOwn({ source, meanLengths }: OutputReport['survey']): PageColumn[] {
  const { otherNames, idName, promptSource } = source;
  let room = promptSource ? mostOwnColumns : mostUnknownColumns;
  return otherNames.map((name) => {
    const kind = name === idName ? 'id' : kindOf(name, meanLengths);
    const inTable = kind === 'id' || ((kind === 'short' || !promptSource) && room > 0);
    if (inTable && kind !== 'id') room -= 1;
    return { title: name, name, role: 'own', kind, inTable };
  });
}

/** Fields tell what an answer holds; beside them the table has no room for it. */
function describeAnswer({ source, meanLengths }: OutputReport['survey']): PageColumn[] {
  const { answer, fields } = source.columns;
  const ofFields = fields.map((name, place): PageColumn => {
    const inTable = place < mostFieldColumns;
    return { title: name, name, role: 'field', kind: kindOf(name, meanLengths), inTable };
  });
  if (answer === undefined) return ofFields;
  const title = answer === usualAnswer ? 'Answer' : answer;
  const ofAnswer = {
    title,
    name: answer,
    role: 'answer',
    kind: 'text',
    inTable: fields.length === 0,
  } as const;
  return [ofAnswer, ...ofFields];
}

function kindOf(name: string, meanLengths: ReadonlyMap<string, number>): 'short' | 'text' {
  return (meanLengths.get(name) ?? 0) <= shortCharacters ? 'short' : 'text';
}

/** What a saved table calls the prompts: their column, or another name than that of any column. */
function nameOfPrompt(
  source: OutputReport['survey']['source']['promptSource'],
  otherNames: readonly string[],
): string {
  if (source && 'column' in source) return source.column;
  return otherNames.includes('prompt') ? 'filled_prompt' : 'prompt';
}
