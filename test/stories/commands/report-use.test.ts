/** What a person does on the page of a report: reads labels, asks for their rows, reads JSON, saves rows, on any screen. */
import type { Page } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hasBrowser, type StartedBrowser, startBrowser } from '../../browser.ts';
import { createWorld, type World } from '../../program.ts';
import { openReport, textsOf, waitForText } from '../worlds/report-browser.ts';

const header = 'id,city,prompt,llm_response,tone,tags,llm_error';
const answer = (text: string) => `"${text.replaceAll('"', '""')}"`;
const rows = [
  `7,Bonn,One,${answer('{"tone":"good","tags":["a","b"],"n":12345678901234567890}')},good,${answer('["a","b"]')},`,
  `8,Köln,"=1+1, ""two""",${answer('{"tone":"bad","tags":["b"]}')},bad,${answer('["b"]')},`,
  `9,,Three,${answer('{"tone":"good","tags":[]}')},good,[],`,
  `10,Ulm,Four,,,,rate_limit: Slow down`,
  `11,Ulm,<b>Five</b>,${answer('{"tone":null}')},,,`,
];
const output = `${header}\n${rows.join('\n')}\n`;

describe.skipIf(!hasBrowser)('in a browser', () => {
  let started: StartedBrowser;
  let world: World;
  let page: Page;
  let messages: string[];

  beforeAll(async () => {
    started = await startBrowser();
  });
  afterAll(() => started?.close());
  beforeEach(async () => {
    world = await createWorld();
    await world.write('out.csv', output);
    page = await started.browser.newPage();
    messages = [];
    page.on('console', (message) => messages.push(message.text()));
    page.on('pageerror', (error) => messages.push(String(error)));
  });
  afterEach(async () => {
    expect(messages).toEqual([]);
    await page.close();
    await world.remove();
  });

  const press = (text: string) => page.click(`button ::-p-text(${text})`);
  const numbers = () => textsOf(page, '.rows tbody th');

  test('labels are bars with their counts, and each shows its rows', async () => {
    await openReport(world, page, 'out.csv');
    expect(await textsOf(page, '.labels caption')).toEqual(['tone', 'tags']);
    expect(await textsOf(page, '.labels tbody tr')).toEqual([
      'good: show these rows250 %',
      'bad: show these rows125 %',
      'nothing: show these rows125 %',
      'b: show these rows250 %',
      'a: show these rows125 %',
      'nothing: show these rows250 %',
    ]);
    expect(await textsOf(page, '.labels .ticks')).toEqual(['012', '012']);
    await page.click('.labels [data-show="label-3"]');
    await waitForText(page, '#found', '2 of 5 rows');
    expect(await numbers()).toEqual(['1', '2']);
    await page.select('#filter', 'label-2');
    await waitForText(page, '#found', '1 of 5 rows');
    expect(await numbers()).toEqual(['5']);
    expect(await textsOf(page, '#filter optgroup:last-child option')).toEqual([
      ...['tone: good', 'tone: bad', 'tone: nothing', 'tags: b', 'tags: a', 'tags: nothing'],
    ]);
  });

  test('fields stand in the table in place of the answer, and a reason in place of all of them', async () => {
    await openReport(world, page, 'out.csv');
    expect(await textsOf(page, '.rows thead th')).toEqual(['Row', 'id', 'Prompt', 'tone', 'tags', 'city']);
    expect(await textsOf(page, '.rows tbody tr:nth-child(1) td')).toEqual([
      '7',
      'One',
      'good',
      'a, b',
      'Bonn',
    ]);
    expect(await textsOf(page, '.rows tbody tr:nth-child(4) td')).toEqual([
      ...['10', 'Four', 'rate_limit: Slow down', 'Ulm'],
    ]);
  });

  test('other columns are chosen', async () => {
    await openReport(world, page, 'out.csv');
    await page.click('#columns summary');
    expect(await textsOf(page, '#columns label')).toEqual(['id', 'city', 'Prompt', 'Answer', 'tone', 'tags']);
    await page.click('#columns ::-p-text(city)');
    await page.click('#columns ::-p-text(tags)');
    await page.click('#columns ::-p-text(Answer)');
    expect(await textsOf(page, '.rows thead th')).toEqual(['Row', 'id', 'Prompt', 'Answer', 'tone']);
  });

  test('a row opens with everything that the output has of it, its JSON laid out and each digit kept', async () => {
    await openReport(world, page, 'out.csv');
    await page.click('.rows .open');
    expect(await textsOf(page, 'dialog dt')).toEqual(['id', 'city', 'tone', 'tags']);
    expect(await textsOf(page, 'dialog dd')).toEqual(['7', 'Bonn', 'good', '["a","b"]']);
    expect(await textsOf(page, 'dialog .text')).toEqual([
      'One',
      '{\n  "tone": "good",\n  "tags": [\n    "a",\n    "b"\n  ],\n  "n": 12345678901234567890\n}',
    ]);
  });

  test('a search that finds nothing says so, and leads back', async () => {
    await openReport(world, page, 'out.csv');
    await page.type('#text', '<i>none');
    await waitForText(page, '#found', '0 of 5 rows');
    expect(await textsOf(page, '.nothing p')).toEqual(['No row has “<i>none”.']);
    await press('Show all rows');
    expect(await textsOf(page, '#found')).toEqual(['5 rows']);
    expect(await page.evaluate('document.activeElement.id')).toBe('text');
    await page.select('#filter', '2');
    await waitForText(page, '#found', '0 of 5 rows');
    expect(await textsOf(page, '.nothing p')).toEqual(['No row is like that.']);
  });

  test('the rows that are shown are saved as CSV, under the names of the output', async () => {
    await page.evaluateOnNewDocument(`
      const create = URL.createObjectURL;
      URL.createObjectURL = (blob) => { window.saved = blob; return create.call(URL, blob); };
      HTMLAnchorElement.prototype.click = function () { window.savedName = this.download; };
    `);
    const saved = async () => {
      await page.evaluate('window.saved = undefined');
      await press('Save as CSV');
      await page.waitForFunction('window.saved');
      return page.evaluate(
        'saved.arrayBuffer().then((bytes) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes))',
      );
    };
    await openReport(world, page, 'out.csv');
    await page.type('#text', 'two');
    await waitForText(page, '#found', '1 of 5 rows');
    const names = '\ufeffrow,id,city,prompt,llm_response,tone,tags,llm_error\r\n';
    expect(await saved()).toBe(
      `${names}2,8,Köln,"=1+1, ""two""","{""tone"":""bad"",""tags"":[""b""]}",bad,"[""b""]",\r\n`,
    );
    expect(await page.evaluate('window.savedName')).toBe('out_rows.csv');
    await page.select('#filter', '1');
    await page.click('#text', { count: 3 });
    await page.keyboard.press('Backspace');
    await waitForText(page, '#found', '1 of 5 rows');
    expect(await textsOf(page, '.rows tbody th')).toEqual(['4']);
    expect(await saved()).toBe(`${names}4,10,Ulm,Four,,,,rate_limit: Slow down\r\n`);
    await world.write('semicolons.csv', 'prompt;llm_response\na,b;"c;d"\n');
    await openReport(world, page, 'semicolons.csv');
    expect(await saved()).toBe('\ufeffrow;prompt;llm_response;llm_error\r\n1;a,b;"c;d";\r\n');
  });

  test.each([320, 360, 430, 800])('nothing is wider than a screen of %i pixels', async (width) => {
    const long = 'x'.repeat(400);
    const more = `12,${long},${long},,,,${long}: ${long}\n13,,a,${answer(`{"tone":"${'y'.repeat(70)}"}`)},${'y'.repeat(70)},,\n`;
    await world.write('wide.csv', output + more + more.replaceAll('12,', '14,'));
    await page.setViewport({ width, height: 700 });
    await openReport(world, page, 'wide.csv');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    await page.click('.rows .open');
    expect(await page.evaluate('document.querySelector("dialog").scrollWidth')).toBeLessThanOrEqual(width);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
  });

  test('texts of rows are never markup', async () => {
    await world.write(
      'bold.csv',
      'id,<b>c</b>,prompt,llm_response,<b>f</b>,llm_error\n1,<b>1</b>,<b>2</b>,<b>3</b>,<b>4</b>,\n2,<b>1</b>,<b>2</b>,<b>3</b>,<b>4</b>,\n3,,x,,,<b>k</b>: <b>m</b>\n',
    );
    await openReport(world, page, 'bold.csv');
    await page.type('#text', '<b>');
    // Its first letter alone finds as many rows, and what is typed after it draws them anew.
    await waitForText(page, '.rows mark', '<b>');
    await waitForText(page, '#found', '3 of 3 rows');
    await page.click('#columns summary');
    await page.click('.rows .open');
    expect(await page.evaluate('document.querySelectorAll("b").length')).toBe(0);
    expect(await textsOf(page, '.labels caption')).toEqual(['Answer', '<b>f</b>']);
    expect(await textsOf(page, 'dialog dt')).toEqual(['id', '<b>c</b>', '<b>f</b>']);
  });
});
