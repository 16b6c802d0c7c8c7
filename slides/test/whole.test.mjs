// What is true of the deck as a whole: it prints, the speaker has a window of their own,
// a plan leaves out what it does not hold.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { build } from '../build.mjs';
import { launch, openDeck } from '../lib/browser.mjs';
import { readDeck } from '../lib/deck.mjs';
import { plan as planOf } from '../lib/plan.mjs';
import { contrast } from '../lib/measure.mjs';

const screen = { width: 1280, height: 720 };

describe('the whole deck', () => {
  const deck = readDeck();
  const slides = deck.reduce((sum, section) => sum + section.slides.length, 0);
  let browser;
  let file;
  before(async () => {
    file = build();
    browser = await launch();
  });
  after(() => browser?.close());

  test('prints as many pages as there are slides, dark on light', async () => {
    const { page, errors, requests, close } = await openDeck(file, screen, { search: '?print-pdf', browser });
    await page.emulateMedia({ media: 'print' });
    await page.waitForSelector('.pdf-page');
    assert.equal(await page.locator('.pdf-page').count(), slides);
    const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(paper, 'rgb(255, 255, 255)');
    assert.deepEqual(await page.evaluate(contrast), []);
    const pdf = await page.pdf({ preferCSSPageSize: true, printBackground: true });
    assert.equal(pdf.toString('latin1').match(/\/Type \/Page\b/g).length, slides);
    assert.deepEqual([...errors, ...requests], []);
    await close();
  });

  test('the speaker view opens from the file system, shows the notes and follows', async () => {
    const { page, errors, requests, close } = await openDeck(file, screen, { browser });
    const opening = page.waitForEvent('popup');
    await page.keyboard.press('s');
    const speaker = await opening;
    const says = (text) => speaker.waitForFunction((words) => document.querySelector('.speaker-controls-notes .value')?.textContent.includes(words), text, { timeout: 60_000 });
    const spoken = (slide) => slide.notes.split('\n')[0].replaceAll(/[*`]/g, '').slice(0, 30);
    const all = deck.flatMap((section) => section.slides);
    await says(spoken(all[0]));
    await page.evaluate(() => Reveal.slide(1, 0));
    await says(spoken(deck[1].slides[0]));
    // The small picture of the slide has come as well, in a frame of its own.
    const frame = await speaker.waitForSelector('#current-slide iframe');
    const inside = await frame.contentFrame();
    await inside.waitForFunction((id) => window.Reveal?.getCurrentSlide()?.parentElement.id === id, deck[1].id, { timeout: 60_000 });
    assert.deepEqual([...errors, ...requests], []);
    await close();
  });

  for (const plan of ['half', 'two-hours']) {
    test(`?plan=${plan} shows the sections of that plan`, async () => {
      const { page, close } = await openDeck(file, screen, { search: `?plan=${plan}`, browser });
      const shown = await page.evaluate(() => [...document.querySelectorAll('.slides > section')].map(({ id }) => id));
      assert.deepEqual(shown, deck.filter(({ plans }) => plans.includes(plan)).map(({ id }) => id));
      // What a task promises is what the plan has.
      const turns = await page.evaluate(() => [...document.querySelectorAll('section.task h2')].map((heading) => Number(/\d+/.exec(heading.textContent))));
      const held = deck.filter(({ plans, exercise }) => plans.includes(plan) && exercise[plan]);
      assert.deepEqual(turns, held.map(({ exercise }) => exercise[plan]));
      assert.equal(await page.evaluate(() => [...document.querySelectorAll('[data-timing]')].reduce((sum, each) => sum + Number(each.dataset.timing), 0)),
        60 * planOf(plan, deck).rows.reduce((sum, { pause, minutes }) => sum + (pause ? 0 : minutes), 0));
      await close();
    });
  }
});
