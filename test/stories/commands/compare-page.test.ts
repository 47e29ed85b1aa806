/** The page of a comparison in a real browser: what it shows, what it never does, and how it is used. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hasBrowser, type StartedBrowser, startBrowser } from '../../browser.ts';
import { createWorld, type World } from '../../program.ts';

/** What a model may answer. */
const hostile = [
  '</script><script>document.title = "taken"</script>',
  '<!-- <script> --> <img src="https://example.com/x.png" onerror="document.title = \'taken\'">',
  '\u202egnirts desrever\u202c and \u200fmarks',
  '"\'`; window.taken = true; // &amp;',
];

describe.skipIf(!hasBrowser)('in a browser', () => {
  let started: StartedBrowser;
  let world: World;
  let page: Page;
  let requests: string[];
  let messages: string[];

  beforeAll(async () => {
    started = await startBrowser();
  });
  afterAll(() => started?.close());

  beforeEach(async () => {
    world = await createWorld();
    page = await started.browser.newPage();
    requests = [];
    messages = [];
    page.on('request', (request) => requests.push(request.url()));
    page.on('console', (message) => messages.push(message.text()));
    page.on('pageerror', (error) => messages.push(String(error)));
  });
  afterEach(async () => {
    await page.close();
    await world.remove();
  });

  interface Row {
    readonly id: string;
    readonly review: string;
    readonly label: string;
  }

  /** Writes two outputs of these rows, compares them and opens their page. */
  async function openPage(rows: readonly Row[], answers: (index: number) => [string | null, string | null]) {
    for (const [place, name] of ['one.jsonl', 'other.jsonl'].entries()) {
      const lines = rows.map((row, index) => JSON.stringify({ ...row, llm_response: answers(index)[place] }));
      await world.write(name, `${lines.join('\n')}\n`);
    }
    const flags = ['--expect', 'label', '-o', 'page.html'];
    expect(await world.loom('compare', 'one.jsonl', 'other.jsonl', ...flags)).toMatchObject({ code: 0 });
    const address = pathToFileURL(join(world.folder, 'page.html')).href;
    await page.goto(address);
    return address;
  }

  const few: readonly Row[] = [
    { id: 'r1', review: 'Works well', label: 'good' },
    { id: 'r2', review: 'Broke at once', label: 'bad' },
    { id: 'r3', review: 'Fine', label: 'good' },
  ];
  const openFew = () =>
    openPage(
      few,
      (index) =>
        (['good,good', 'bad,', 'bad,good'][index] as string).split(',').map((text) => text || null) as [
          string | null,
          string | null,
        ],
    );

  const textsOf = (selector: string) =>
    page.evaluate(
      `[...document.querySelectorAll(${JSON.stringify(selector)})].map((element) => element.textContent)`,
    ) as Promise<string[]>;
  const waitForText = (selector: string, text: string) =>
    page.waitForFunction(
      `document.querySelector(${JSON.stringify(selector)})?.textContent === ${JSON.stringify(text)}`,
    );

  test('rows stand side by side, and what is not as expected is marked', async () => {
    await openFew();
    expect(await textsOf('.rows thead th')).toEqual([
      'Row',
      'id',
      'review',
      'Expected (label)',
      'A: one.jsonl',
      'B: other.jsonl',
    ]);
    expect(await textsOf('.rows tbody tr')).toEqual([
      '1r1Works wellgoodgoodgood',
      '2r2Broke at oncebadbad✗ —',
      '3r3Finegood✗ badgood',
    ]);
    expect(messages).toEqual([]);
  });

  test('only those that differ are shown, and only those where one is wrong', async () => {
    await openFew();
    await page.select('#filter', 'differing');
    await waitForText('#found', '2 of 3 rows');
    expect(await textsOf('.rows tbody th')).toEqual(['2', '3']);
    await page.select('#filter', 'wrong-0');
    await waitForText('#found', '1 of 3 rows');
    expect(await textsOf('.rows tbody th')).toEqual(['3']);
    await page.type('#text', 'nowhere');
    await waitForText('#found', '0 of 3 rows');
    expect(await textsOf('#view')).toEqual(['No row is like that.']);
  });

  test('a row is opened whole, by the keyboard too, and the one after it', async () => {
    await openFew();
    await page.focus('.rows tbody tr:nth-child(2) .open');
    await page.keyboard.press('Enter');
    expect(await textsOf('dialog .text')).toEqual(['r2', 'Broke at once', 'bad', 'bad', '—']);
    await page.keyboard.press('ArrowRight');
    expect(await textsOf('dialog h2')).toEqual(['Row 3']);
    await page.keyboard.press('Escape');
    expect(await page.evaluate('document.querySelector("dialog").open')).toBe(false);
  });

  test('hostile answers run nothing, load nothing, and are shown as they are', async () => {
    const rows = hostile.map((text, index) => ({ id: `r${index}`, review: text, label: text }));
    const address = await openPage(rows, (index) => [hostile[index] as string, 'fine']);
    for (const [place, text] of hostile.entries()) {
      await page.click(`.rows tbody tr:nth-child(${place + 1}) .open`);
      expect(await textsOf('dialog .text')).toEqual([`r${place}`, text, text, text, 'fine']);
      await page.keyboard.press('Escape');
    }
    expect(await page.title()).toBe('one.jsonl and other.jsonl – loom compare');
    expect(await page.evaluate('typeof window.taken')).toBe('undefined');
    expect({ requests, messages }).toEqual({ requests: [address], messages: [] });
  });

  test.each([320, 430])('it fits a phone of %i pixels', async (width) => {
    await page.setViewport({ width, height: 700 });
    const long = 'a-label-that-is-longer-than-a-phone-is-wide-and-has-no-place-to-break';
    await openPage([...few, { id: 'r4', review: 'y'.repeat(300), label: long }], () => [
      long,
      'z'.repeat(300),
    ]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    expect(await page.evaluate('[...document.scripts].every((script) => script.offsetHeight === 0)')).toBe(
      true,
    );
    expect(await page.evaluate(`document.getElementById("view").scrollWidth <= ${width}`)).toBe(true);
  });

  test('of 50,000 rows one page is in the document, and those that differ are found among all', async () => {
    const rows = Array.from({ length: 50_000 }, (_, index) => ({
      ...{ id: `r${index}`, review: `This is what somebody wrote about number ${index}`, label: 'good' },
    }));
    await openPage(rows, (index) => ['good', index % 5000 === 7 ? 'bad' : 'good']);
    expect(await textsOf('#found')).toEqual(['50,000 rows']);
    expect(await textsOf('.rows tbody th')).toHaveLength(50);
    await page.select('#filter', 'differing');
    await waitForText('#found', '10 of 50,000 rows');
    expect((await textsOf('.rows tbody th'))[1]).toBe('5008');
    expect(messages).toEqual([]);
  });

  test('without scripts the figures are there, and it says what is not', async () => {
    await page.setJavaScriptEnabled(false);
    await openFew();
    expect((await textsOf('.sentences li'))[0]).toBe(
      'A and B agree in 50 % of 2 rows that both answered, kappa 0.000.',
    );
    expect(await textsOf('.confusions h3')).toEqual(['What A answered', 'What B answered']);
    expect(await page.$eval('noscript', (element) => element.textContent)).toContain('needs JavaScript');
  });
});
