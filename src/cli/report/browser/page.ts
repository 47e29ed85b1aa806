/** The script of a report: the table of rows, with its search, filter and pages. */
import type { PageRow, PageTable } from '../page-data.ts';
import { ColumnChoice } from './column-choice.ts';
import { saveRows } from './csv-file.ts';
import { createElement, enable, findElement, formatNumber, isEnabled } from './elements.ts';
import { Pager } from './pager.ts';
import { readFilter } from './row-filter.ts';
import { RowFrame } from './row-frame.ts';
import { RowStore } from './row-store.ts';
import { drawRows } from './row-table.ts';
import { drawTexts } from './row-texts.ts';
import { createPattern, Search } from './search.ts';

const rowsOnPage = 50;
/** Whoever types is not done yet. */
const typingMs = 200;

const table: PageTable = JSON.parse(findElement('table').textContent ?? '{}');
const store = new RowStore(document.querySelectorAll<HTMLElement>('script.row-data'));
const search = new Search(store);
const frame = new RowFrame();

const form = findElement<HTMLFormElement>('search');
const textField = findElement<HTMLInputElement>('text');
const filterField = findElement<HTMLSelectElement>('filter');
const found = findElement('found');
const saveButton = findElement<HTMLButtonElement>('save');
const view = findElement('view');

/** Places of the rows that are shown; undefined: all of them. */
let places: readonly number[] | undefined;
let page = 0;
let isSearching = false;
let pattern: RegExp | undefined;
const choice = new ColumnChoice(table, findElement('columns'), drawPage);

const countShown = () => places?.length ?? store.size;
const rowAt = (place: number): PageRow => store.get(places ? (places[place] as number) : place);

function drawPage(): void {
  const first = page * rowsOnPage;
  const last = Math.min(first + rowsOnPage, countShown());
  const rows = Array.from({ length: last - first }, (_, offset) => ({
    row: rowAt(first + offset),
    place: first + offset,
  }));
  const isShown = (column: number) => choice.has(column);
  view.replaceChildren(
    rows.length > 0 ? drawRows({ table, rows, pattern, isShown, open: openRow }) : drawNothing(),
  );
  pager.update(page, countPages());
}

/** In place of a table without rows. */
function drawNothing(): HTMLElement {
  if (store.size === 0) return createElement('p', { class: 'nothing' }, 'There are no rows.');
  if (isSearching) return createElement('p', { class: 'nothing' }, 'Looking through the rows …');
  const button = createElement('button', { type: 'button' }, 'Show all rows');
  button.addEventListener('click', () => {
    showRows('');
    textField.focus();
  });
  const text = textField.value.trim();
  const rows = filterField.value === '' ? 'No row has' : 'None of these rows has';
  const words = text === '' ? ['No row is like that.'] : [`${rows} “`, createElement('bdi', {}, text), '”.'];
  return createElement('div', { class: 'nothing' }, createElement('p', {}, ...words), button);
}

function openRow(place: number): void {
  const step = (by: number) => {
    const next = place + by;
    if (next < 0 || next >= countShown()) return;
    if (Math.floor(next / rowsOnPage) !== page) goTo(Math.floor(next / rowsOnPage));
    openRow(next);
  };
  const row = rowAt(place);
  const position = `${formatNumber(place + 1)} of ${formatNumber(countShown())}`;
  frame.show(row[0], position, drawTexts(table, row, pattern), step);
}

function goTo(newPage: number): void {
  page = newPage;
  drawPage();
}

const pager = new Pager(goTo);

function countPages(): number {
  return Math.max(1, Math.ceil(countShown() / rowsOnPage));
}

function startSearch(): void {
  pattern = createPattern(textField.value.trim());
  page = 0;
  if (!pattern && filterField.value === '') {
    search.stop();
    isSearching = false;
    places = undefined;
    enable(saveButton, store.size > 0);
    found.textContent = `${formatNumber(store.size)} ${store.size === 1 ? 'row' : 'rows'}`;
    drawPage();
    return;
  }
  let drawn = -1;
  isSearching = true;
  search.start({ pattern, isShown: readFilter(filterField.value, table) }, (matching, searched) => {
    const isDone = searched === store.size;
    isSearching = !isDone;
    places = matching;
    const shownNow = Math.min(matching.length, (page + 1) * rowsOnPage);
    if (isDone || shownNow !== drawn) drawPage();
    else pager.update(page, countPages());
    drawn = shownNow;
    const count = `${formatNumber(matching.length)} of ${formatNumber(store.size)} rows`;
    enable(saveButton, isDone && matching.length > 0);
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

/** The rows of one choice of the filter, and no search. */
function showRows(value: string): void {
  clearTimeout(typing);
  textField.value = '';
  filterField.value = value;
  startSearch();
}

for (const button of document.querySelectorAll<HTMLButtonElement>('button.show-rows')) {
  button.hidden = false;
  button.disabled = false;
  button.addEventListener('click', () => {
    showRows(button.dataset.show ?? '');
    findElement('rows').scrollIntoView({ block: 'start' });
    filterField.focus({ preventScroll: true });
  });
}

saveButton.addEventListener('click', async () => {
  if (!isEnabled(saveButton)) return;
  // Another choice may be made meanwhile.
  const saved = places;
  enable(saveButton, false);
  await saveRows(table, countShown(), (place) => store.get(saved ? (saved[place] as number) : place));
  enable(saveButton, !isSearching && countShown() > 0);
});

form.hidden = false;
startSearch();
