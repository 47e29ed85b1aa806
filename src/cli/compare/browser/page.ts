/** The script of a comparison's page: the rows side by side, with their search, filter and pages. */
import { createElement, findElement, formatNumber } from '../../report/browser/elements.ts';
import { Pager } from '../../report/browser/pager.ts';
import { RowFrame } from '../../report/browser/row-frame.ts';
import { RowStore } from '../../report/browser/row-store.ts';
import { createPattern, type Filter, Search } from '../../report/browser/search.ts';
import type { ComparedRow, ComparedTable } from '../page-data.ts';
import { drawRows, isWrong } from './compared-rows.ts';
import { drawTexts } from './row-texts.ts';

const rowsOnPage = 50;
/** Whoever types is not done yet. */
const typingMs = 200;

const table: ComparedTable = JSON.parse(findElement('table').textContent ?? '{}');
const store = new RowStore(document.querySelectorAll<HTMLElement>('script.row-data'));
const search = new Search(store);
const frame = new RowFrame();

const form = findElement<HTMLFormElement>('search');
const textField = findElement<HTMLInputElement>('text');
const filterField = findElement<HTMLSelectElement>('filter');
const found = findElement('found');
const view = findElement('view');

/** Places of the rows that are shown; undefined: all of them. */
let places: readonly number[] | undefined;
let page = 0;
let pattern: RegExp | undefined;

const countShown = () => places?.length ?? store.size;
const rowAt = (place: number): ComparedRow => store.get(places ? (places[place] as number) : place);
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
  pager.update(page, countPages());
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
    else pager.update(page, countPages());
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
startSearch();
