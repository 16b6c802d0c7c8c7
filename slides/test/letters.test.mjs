// Every letter on a slide is one of the house's, embedded; and a deck carries no alphabet that it
// does not write in.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { launch, openDeck } from '../lib/browser.mjs';
import { readDeck, readSection } from '../lib/deck.mjs';
import { letters } from '../lib/letters.mjs';
import { page as pageOf } from '../lib/render.mjs';

const CITIES = 'Łódź, Ελλάδα, Київ';
const deck = (words) => [readSection('99-try', `---
title: ${words}
level: 05
talk: 1
exercise: 0
plans: full
---

## ${words}

${words} and **${words}**

\`\`\`text
$ ${words} ├── └──
\`\`\`

Note:
Say this.

Minutes: 1
`)];

describe('letters', () => {
  let browser;
  let folder;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'slides-'));
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The fonts that draw what `selector` finds: those of the machine, by name. */
  async function foreign(selector, html) {
    const file = join(folder, 'deck.html');
    writeFileSync(file, html);
    const { page, close } = await openDeck(file, { width: 1280, height: 720 }, { browser });
    const client = await page.context().newCDPSession(page);
    await client.send('DOM.enable');
    await client.send('CSS.enable');
    const { root } = await client.send('DOM.getDocument');
    const { nodeId } = await client.send('DOM.querySelector', { nodeId: root.nodeId, selector });
    const { fonts } = await client.send('CSS.getPlatformFontsForNode', { nodeId });
    await close();
    assert.ok(fonts.length > 0, `${selector} has no letters`);
    return fonts.filter(({ isCustomFont }) => !isCustomFont).map(({ familyName }) => familyName);
  }

  for (const selector of ['h2', '.body > p', 'figure.code code', 'footer']) {
    test(`"${CITIES}" in ${selector} is in letters of the house`, async () => assert.deepEqual(await foreign(selector, pageOf(deck(CITIES))), []));
  }
  test('a letter that no font of the house has is noticed', async () => assert.notDeepEqual(await foreign('h2', pageOf(deck('東京'))), []));
  test('English needs no Greek', () => assert.ok(letters('English').length < letters(CITIES).length / 1.2));
  test('our own deck has no letter from elsewhere', async () => {
    const { page, close } = await openDeck(await own(), { width: 1280, height: 720 }, { browser });
    const missing = await page.evaluate(() => {
      const covered = [...document.fonts].flatMap(({ unicodeRange }) => unicodeRange.split(',').map((range) => /U\+([\dA-F]+)(?:-([\dA-F]+))?/i.exec(range)).map(([, first, last = first]) => [parseInt(first, 16), parseInt(last, 16)]));
      const points = new Set([...document.querySelector('.slides').textContent].map((letter) => letter.codePointAt(0)));
      return [...points].filter((point) => point > 32 && !covered.some(([first, last]) => first <= point && point <= last)).map((point) => String.fromCodePoint(point));
    });
    await close();
    assert.deepEqual(missing, []);
  });
  const own = async () => {
    const file = join(folder, 'own.html');
    writeFileSync(file, pageOf(readDeck()));
    return file;
  };
});
