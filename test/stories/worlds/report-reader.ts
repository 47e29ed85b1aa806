/** What a report's page holds, read from its text as a browser would. */

export interface ReportRow {
  /** From 1. */
  readonly number: number;
  readonly status: string;
  /** Title of the column → text. */
  readonly texts: Readonly<Record<string, string | null>>;
}

const statuses = ['answered', 'failed', 'blank', 'unanswered'];

export function readRows(page: string): ReportRow[] {
  const table = JSON.parse(
    /<script type="application\/json" id="table">(.*?)<\/script>/s.exec(page)?.[1] ?? '',
  );
  const titles = table.columns.map(({ title }: { title: string }) => title);
  const blocks = [
    ...page.matchAll(/<script type="application\/json" class="row-data" data-rows="(\d+)">(.*?)<\/script>/gs),
  ];
  return blocks.flatMap(([, , text = '']) =>
    JSON.parse(text).map(([number, status, ...texts]: [number, number, ...(string | null)[]]) => ({
      number,
      status: statuses[status],
      texts: Object.fromEntries(titles.map((title: string, place: number) => [title, texts[place] ?? null])),
    })),
  );
}

/** The figures at its head: name → value. */
export function readFigures(page: string): Record<string, string> {
  const figures = /<dl class="figures">(.*?)<\/dl>/s.exec(page)?.[1] ?? '';
  return Object.fromEntries(
    [...figures.matchAll(/<dt>(.*?)<\/dt><dd>(.*?)(?:<small>.*?<\/small>)?<\/dd>/gs)].map(
      ([, name, value]) => [name, value],
    ),
  );
}

/** All of its text that people read without the script. */
export function readText(page: string): string {
  return page
    .replace(/<(style|script)\b.*?<\/\1>/gs, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');
}
