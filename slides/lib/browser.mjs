// Opens the built deck in Chromium as a person would: from the file system. Nothing
// moves in it, so that a picture or a measurement need not wait.
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

export const launch = () => chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });

/** `{ page, errors, requests, close }`; `search` is `?print-pdf` or the like, `now` a time at which
    the page's clock stands. */
export async function openDeck(file, size, { search = '', browser, now } = {}) {
  const own = browser ? undefined : await launch();
  const context = await (browser ?? own).newContext({ viewport: size, reducedMotion: 'reduce' });
  if (now) await context.clock.setFixedTime(now);
  const page = await context.newPage();
  const address = pathToFileURL(file).href;
  const errors = [];
  const requests = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && errors.push(message.text()));
  page.on('request', (request) => !/^(data|about|blob):/.test(request.url()) && request.url().split(/[?#]/)[0] !== address && requests.push(request.url()));
  await page.goto(address + search);
  await page.waitForFunction(() => window.Reveal?.isReady());
  await page.addStyleTag({ content: '*, *::before, *::after { transition: none !important; animation: none !important; }' });
  // A font is loaded when text in it is first shown, and until then measured as another one:
  // `document.fonts.ready` does not wait for slides that are hidden yet.
  await page.evaluate(() => { Reveal.configure({ transition: 'none' }); return Promise.all([...document.fonts].map((font) => font.load())).then(() => true); });
  return { page, errors, requests, close: async () => { await context.close(); await own?.close(); } };
}
