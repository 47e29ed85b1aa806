/** A report's page in a browser, for a person who looks at it and presses things. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from 'puppeteer-core';
import { expect } from 'vitest';
import type { World } from '../../program.ts';

/** Writes the page of an output that is there, and opens it. */
export async function openReport(
  world: World,
  page: Page,
  output: string,
  ...flags: string[]
): Promise<string> {
  const ended = await world.loom('report', output, '-o', 'report.html', '--force', ...flags);
  expect(ended).toMatchObject({ code: 0 });
  const address = pathToFileURL(join(world.folder, 'report.html')).href;
  await page.goto(address);
  return address;
}

/** What an element and each like it say. */
export function textsOf(page: Page, selector: string): Promise<string[]> {
  return page.evaluate(
    `[...document.querySelectorAll(${JSON.stringify(selector)})].map((element) => element.textContent)`,
  ) as Promise<string[]>;
}

export async function waitForText(page: Page, selector: string, text: string): Promise<void> {
  await page.waitForFunction(
    `document.querySelector(${JSON.stringify(selector)})?.textContent === ${JSON.stringify(text)}`,
  );
}
