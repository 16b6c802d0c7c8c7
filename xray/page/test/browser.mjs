// Opens a page as a reader would: from the file system, in Debian's Chromium.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const pages = process.env.XRAY_PAGES;
export const read = (name) => JSON.parse(readFileSync(join(pages, `${name}.json`), 'utf8'));

export const launch = () => chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  // Root, as CI is, has no other sandbox; nothing but our own pages is opened.
  args: process.getuid() === 0 ? ['--no-sandbox'] : [],
});

/** A page with what went wrong in it: errors, and requests that leave the file. */
export async function open(browser, file, { width = 1280, theme = 'light', hash = '', clock = false, ...others } = {}) {
  const context = await browser.newContext({ viewport: { width, height: width < 500 ? 844 : 860 }, colorScheme: theme, reducedMotion: 'reduce', ...others });
  const tab = await context.newPage();
  const address = pathToFileURL(file).href;
  const faults = [];
  tab.on('pageerror', (error) => faults.push(`script: ${error.message}`));
  tab.on('console', (message) => ['error', 'warning'].includes(message.type()) && faults.push(`console: ${message.text()}`));
  tab.on('request', (request) => !request.url().startsWith('data:') && request.url().split('#')[0] !== address && faults.push(`asks for ${request.url()}`));
  tab.on('dialog', (dialog) => { faults.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  if (clock) await tab.clock.install();
  await tab.goto(address + hash);
  await tab.evaluate(() => document.fonts.ready.then(() => true));
  return {
    tab,
    faults,
    close: async () => {
      await context.close();
      assert.deepEqual(faults, []);
    },
  };
}

/** The number of the step that is shown, as the record counts. */
export const shown = (tab) => tab.evaluate(() => Number(document.querySelector('main .step').dataset.step));

export async function goTo(tab, number) {
  await tab.evaluate((hash) => { location.hash = hash; }, `#step-${number}`);
  await tab.waitForFunction((wanted) => document.querySelector('[aria-current="step"]')?.getAttribute('href') === `#step-${document.querySelector('main .step').dataset.step}` && Number(document.querySelector('main .step').dataset.step) <= wanted, number);
}

/** What axe has to say against the page as it is. */
export async function accessibilityFaults(tab) {
  if (!await tab.evaluate(() => 'axe' in window)) await tab.evaluate(axe);
  const { violations } = await tab.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ target, failureSummary }) => `${target} ${failureSummary}`).join('; ')}`);
}

/** What sticks out of the window, or of the part of the page that it is in. */
export const overflow = (tab) => tab.evaluate(() => {
  const faults = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) faults.push(`the page is ${root.scrollWidth} wide, in ${root.clientWidth}`);
  const scrolls = (element) => {
    for (let box = element; box && box !== document.body; box = box.parentElement) {
      const { overflowX } = getComputedStyle(box);
      if (box.tagName !== 'MAIN' && overflowX !== 'visible') return true;
    }
    return false;
  };
  for (const part of document.querySelectorAll('main, .top, .bar, .timeline')) {
    const edges = part.getBoundingClientRect();
    if (edges.width === 0) continue;
    if (part.scrollWidth > part.clientWidth) faults.push(`${part.className || part.tagName} scrolls sideways`);
    for (const element of part.querySelectorAll('*')) {
      const { left, right, width } = element.getBoundingClientRect();
      if (width === 0 || element.closest('.unseen') || scrolls(element.parentElement)) continue;
      if (right > edges.right + 1 || left < edges.left - 1) {
        faults.push(`sticks out: <${element.tagName.toLowerCase()} class="${element.className}"> ${element.textContent.slice(0, 40)}`);
        break;
      }
    }
  }
  return faults;
});
