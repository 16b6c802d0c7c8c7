// Takes a picture of each X-ray, for the book on paper: the step at which the lesson opens it, as
// it is printed.
//
//   node docs/xray-pictures.mjs LIST PAGES
//
// LIST is docs/xrays.txt; PAGES has 03.html and so on, and gets 03.png beside it.

import { chromium } from 'playwright-core';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [list, pages] = process.argv.slice(2);
const rows = readFileSync(list, 'utf8').split('\n').filter((line) => line.includes('|') && !line.startsWith('#'));

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  // Root, as CI is, has no other sandbox; nothing but our own pages is opened.
  args: process.getuid() === 0 ? ['--no-sandbox'] : [],
});
try {
  // The pages allow no style but their own, and these are for a screen.
  const tab = await browser.newPage({ viewport: { width: 900, height: 1200 }, deviceScaleFactor: 1.5, colorScheme: 'light', reducedMotion: 'reduce', bypassCSP: true });
  for (const row of rows) {
    const [level, , step] = row.split('|').map((cell) => cell.trim());
    const [call, argument = ''] = step.split(/\s+/);
    await tab.goto(pathToFileURL(resolve(join(pages, `${level}.html`))).href);
    const number = await tab.evaluate(([call, argument]) => 1 + JSON.parse(document.querySelector('#record').textContent)
      .steps.findIndex((each) => each.call === call && each.arguments.some((given) => given.includes(argument))), [call, argument]);
    if (number === 0) throw new Error(`${list}: the run of level ${level} has no step ${step}`);
    await tab.goto(`${tab.url().split('#')[0]}#step-${number}`);
    await tab.addStyleTag({ content: '.others, .bar { display: none !important } .step { padding: 20px }' });
    await tab.locator('article.step').screenshot({ path: join(pages, `${level}.png`) });
  }
} finally {
  await browser.close();
}
