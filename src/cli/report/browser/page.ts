/** The script of a report: the table of rows, with its search, filter and pages. */
import type { PageRow, PageTable } from '../page-data.ts';
import { createElement, findElement } from './elements.ts';
import { RowStore } from './row-store.ts';
import { drawRows } from './row-table.ts';
import { RowView } from './row-view.ts';
import { createPattern, type Filter, Search } from './search.ts';

const rowsOnPage = 50;
/** Whoever types is not done yet. */
const typingMs = 200;

const table: PageTable = JSON.parse(findElement('table').textContent ?? '{}');
const store = new RowStore(document.querySelectorAll<HTMLElement>('script.rows'));
const search = new Search(store);
const rowView = new RowView(table);

const form = findElement<HTMLFormElement>('search');
const textField = findElement<HTMLInputElement>('text');
const filterField = findElement<HTMLSelectElement>('filter');
const found = findElement('found');
const view = findElement('view');
const pager = findElement('pager');

/** Places of the rows that are shown; undefined: all of them. */
let places: readonly number[] | undefined;
let page = 0;
let pattern: RegExp | undefined;

const countShown = () => places?.length ?? store.size;
const rowAt = (place: number): PageRow => store.get(places ? (places[place] as number) : place);
const formatNumber = (number: number) => number.toLocaleString('en-US');

function drawPage(): void {
  const first = page * rowsOnPage;
  const last = Math.min(first + rowsOnPage, countShown());
  const rows = Array.from({ length: last - first }, (_, offset) => ({
    row: rowAt(first + offset),
    place: first + offset,
  }));
  view.replaceChildren(drawRows(table, rows, pattern, openRow));
  updatePager();
}

function openRow(place: number): void {
  const step = (by: number) => {
    const next = place + by;
    if (next < 0 || next >= countShown()) return;
    if (Math.floor(next / rowsOnPage) !== page) goTo(Math.floor(next / rowsOnPage));
    openRow(next);
  };
  rowView.show(rowAt(place), `${formatNumber(place + 1)} of ${formatNumber(countShown())}`, pattern, step);
}

function goTo(newPage: number): void {
  page = newPage;
  drawPage();
}

const position = createElement('span', { role: 'status' });
const pagerButtons = (
  [
    ['First', () => 0],
    ['Previous', () => page - 1],
    ['Next', () => page + 1],
    ['Last', () => countPages() - 1],
  ] as const
).map(([title, target]) => {
  const button = createElement('button', { type: 'button' }, title);
  button.addEventListener('click', () => {
    goTo(target());
    findElement('rows').scrollIntoView({ block: 'start' });
  });
  return button;
});

function countPages(): number {
  return Math.max(1, Math.ceil(countShown() / rowsOnPage));
}

function updatePager(): void {
  const pages = countPages();
  pager.hidden = pages === 1;
  position.textContent = `Page ${formatNumber(page + 1)} of ${formatNumber(pages)}`;
  pagerButtons.forEach((button, index) => {
    // Not `disabled`: a button that has the focus would lose it.
    button.setAttribute('aria-disabled', String(index < 2 ? page === 0 : page >= pages - 1));
  });
}

pager.addEventListener(
  'click',
  (event) => {
    if ((event.target as Element).getAttribute('aria-disabled') === 'true') event.stopPropagation();
  },
  { capture: true },
);

/** What the filter field asks for. */
function readFilter(): Filter['isShown'] {
  const { value } = filterField;
  if (value === '') return () => true;
  if (!value.startsWith('kind-')) return (row) => row[1] === Number(value);
  const start = `${table.kinds[Number(value.slice('kind-'.length))]}: `;
  return (row) => String(row[table.reasonColumn + 2] ?? '').startsWith(start);
}

function startSearch(): void {
  pattern = createPattern(textField.value.trim());
  page = 0;
  if (!pattern && filterField.value === '') {
    search.stop();
    places = undefined;
    found.textContent = `${formatNumber(store.size)} rows`;
    drawPage();
    return;
  }
  let drawn = -1;
  search.start({ pattern, isShown: readFilter() }, (matching, searched) => {
    const isDone = searched === store.size;
    places = matching;
    const shownNow = Math.min(matching.length, (page + 1) * rowsOnPage);
    if (isDone || shownNow !== drawn) drawPage();
    else updatePager();
    drawn = shownNow;
    const count = `${formatNumber(matching.length)} of ${formatNumber(store.size)} rows`;
    found.textContent = isDone ? count : `${count} so far …`;
  });
}

let typing: ReturnType<typeof setTimeout> | undefined;
textField.addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(startSearch, typingMs);
});
filterField.addEventListener('change', startSearch);
form.addEventListener('submit', (event) => {
  event.preventDefault();
  clearTimeout(typing);
  startSearch();
});

document.addEventListener('keydown', (event) => {
  const isTyping = (event.target as Element).matches?.('input, select, dialog *');
  if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  textField.focus();
});

for (const button of document.querySelectorAll<HTMLButtonElement>('button.show-kind')) {
  button.hidden = false;
  button.addEventListener('click', () => {
    textField.value = '';
    filterField.value = `kind-${button.dataset.kind}`;
    startSearch();
    findElement('rows').scrollIntoView({ block: 'start' });
    filterField.focus({ preventScroll: true });
  });
}

form.hidden = false;
pager.append(...pagerButtons.slice(0, 2), position, ...pagerButtons.slice(2));
startSearch();
