/** The script of a comparison's page: the rows side by side, with their search, filter and pages. */
import { createElement, findElement } from '../../report/browser/elements.ts';
import { RowStore } from '../../report/browser/row-store.ts';
import { createPattern, type Filter, Search } from '../../report/browser/search.ts';
import type { ComparedRow, ComparedTable } from '../page-data.ts';
import { drawRows, isWrong } from './compared-rows.ts';
import { RowDialog } from './row-dialog.ts';

const rowsOnPage = 50;
/** Whoever types is not done yet. */
const typingMs = 200;

const table: ComparedTable = JSON.parse(findElement('table').textContent ?? '{}');
const store = new RowStore(document.querySelectorAll<HTMLElement>('script.row-data'));
const search = new Search(store);
const dialog = new RowDialog(table);

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
const rowAt = (place: number): ComparedRow => store.get(places ? (places[place] as number) : place);
const formatNumber = (number: number) => number.toLocaleString('en-US');
const countPages = () => Math.max(1, Math.ceil(countShown() / rowsOnPage));

function drawPage(isDone = true): void {
  const first = page * rowsOnPage;
  const last = Math.min(first + rowsOnPage, countShown());
  const rows = Array.from({ length: last - first }, (_, offset) => ({
    row: rowAt(first + offset),
    place: first + offset,
  }));
  const nothing = isDone ? 'No row is like that.' : 'Looking through the rows …';
  view.replaceChildren(
    rows.length > 0
      ? drawRows(table, rows, pattern, openRow)
      : createElement('p', { class: 'nothing' }, nothing),
  );
  updatePager();
}

function openRow(place: number): void {
  const step = (by: number) => {
    const next = place + by;
    if (next < 0 || next >= countShown()) return;
    if (Math.floor(next / rowsOnPage) !== page) goTo(Math.floor(next / rowsOnPage));
    openRow(next);
  };
  dialog.show(rowAt(place), `${formatNumber(place + 1)} of ${formatNumber(countShown())}`, pattern, step);
}

function goTo(newPage: number): void {
  page = newPage;
  drawPage();
}

const position = createElement('span', { role: 'status' });
const [before, after] = [createPagerButton('Previous', -1), createPagerButton('Next', 1)];

function createPagerButton(title: string, by: number): HTMLButtonElement {
  const button = createElement('button', { type: 'button' }, title);
  button.addEventListener('click', () => {
    if (page + by < 0 || page + by >= countPages()) return;
    goTo(page + by);
    findElement('rows').scrollIntoView({ block: 'start' });
  });
  return button;
}

function updatePager(): void {
  const pages = countPages();
  pager.hidden = pages === 1;
  position.textContent = `Page ${formatNumber(page + 1)} of ${formatNumber(pages)}`;
  // Not `disabled`: a button that has the focus would lose it.
  before.setAttribute('aria-disabled', String(page === 0));
  after.setAttribute('aria-disabled', String(page >= pages - 1));
}

/** What the filter field asks for. */
function readFilter(): Filter['isShown'] {
  const { value } = filterField;
  if (value === '') return () => true;
  if (value === 'differing') return (row) => row[1] === 1;
  const output = Number(value.slice('wrong-'.length));
  return (row) => isWrong(table, row, output);
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
    if (isDone || shownNow !== drawn) drawPage(isDone);
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

form.hidden = false;
pager.append(before, position, after);
startSearch();
