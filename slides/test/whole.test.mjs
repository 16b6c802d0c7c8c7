// What is true of the deck as a whole: it prints, the speaker has a window of their own,
// a plan leaves out what it does not hold.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { readFileSync } from 'node:fs';
import { build } from '../build.mjs';
import { launch, openDeck } from '../lib/browser.mjs';
import { readDeck } from '../lib/deck.mjs';
import { SLOTS, plan as planOf } from '../lib/plan.mjs';
import { contrast } from '../lib/measure.mjs';

const screen = { width: 1280, height: 720 };

describe('the whole deck', () => {
  const deck = readDeck();
  const slides = deck.reduce((sum, section) => sum + section.slides.length, 0);
  const pausesOf = (...names) => names.reduce((sum, name) => sum + Object.keys(SLOTS[name].pauses).length, 0);
  /** A time of today. */
  const today = (hours, minutes) => new Date(new Date().setHours(hours, minutes, 0, 0));
  /** What the slide of the pause behind a section says. */
  const pause = (page, section, plan) => page.evaluate(([id, name]) => {
    const slide = document.querySelector(`#${CSS.escape(id)} > [data-pause-of="${name}"]`);
    const { h, v } = Reveal.getIndices(slide);
    Reveal.slide(h, v);
    return ['time', '.left', 'aside.now'].map((each) => slide.querySelector(each)?.textContent);
  }, [section, plan]);
  let browser;
  let file;
  before(async () => {
    file = build();
    browser = await launch();
  });
  after(() => browser?.close());

  test('prints as many pages as there are slides and pauses of both days, dark on light', async () => {
    const pages = slides + pausesOf('full', 'harden');
    const { page, errors, requests, close } = await openDeck(file, screen, { search: '?print-pdf', browser, now: today(10, 50) });
    await page.emulateMedia({ media: 'print' });
    await page.waitForSelector('.pdf-page');
    assert.equal(await page.locator('.pdf-page').count(), pages);
    // On paper it is the plan's time, whatever the clock says.
    assert.equal(await page.locator('[id="11-chroot"] time, .pdf-page [data-pause-of="full"] time').first().textContent(), '10:41');
    const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(paper, 'rgb(255, 255, 255)');
    assert.deepEqual(await page.evaluate(contrast), []);
    const pdf = await page.pdf({ preferCSSPageSize: true, printBackground: true });
    assert.equal(pdf.toString('latin1').match(/\/Type \/Page\b/g).length, pages);
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

  test('a pause says when it is over: by the plan, by the day\'s beginning, or later if the room is late', async () => {
    // Without a script, the plan's.
    assert.match(readFileSync(file, 'utf8'), /data-pause-of="full" data-begin="86" data-minutes="15" data-timing="900">[^]{0,80}Back at <time>10:41<\/time>/);
    const at = async (now, search = '') => {
      const { page, errors, close } = await openDeck(file, screen, { search, browser, now });
      const said = await pause(page, '11-chroot', 'full');
      assert.deepEqual(errors, []);
      await close();
      return said;
    };
    const [early] = await at(today(10, 20));
    assert.equal(early, '10:41');
    const [late, left, told] = await at(today(10, 40));
    assert.equal(late, '10:55');
    assert.equal(left, 'in 15 minutes');
    assert.match(told, /By the plan "A mount namespace" begins at 10:41, at the latest at 10:45. It is 10:40. 10 minutes late: leave out 05's exercise, do 07 as a demo.$/);
    const [later, , inTime] = await at(today(10, 40), '?start=09:30&plan=full');
    assert.equal(later, '11:11');
    assert.match(inTime, /begins at 11:11, at the latest at 11:15. It is 10:40. You are in time.$/);
    // At home in the evening nobody is late.
    const [night, whole, home] = await at(today(23, 0));
    assert.deepEqual([night, whole], ['10:41', '15 minutes']);
    assert.match(home, /at the latest at 10:45.$/);
  });

  test('a pause counts down, and is not over sooner because somebody looked at another slide', async () => {
    const { page, close } = await openDeck(file, screen, { search: '?plan=full', browser, now: today(10, 40) });
    await pause(page, '11-chroot', 'full');
    await page.clock.setFixedTime(today(10, 50));
    await page.evaluate(() => Reveal.slide(0, 0));
    assert.deepEqual((await pause(page, '11-chroot', 'full')).slice(0, 2), ['10:55', 'in 5 minutes']);
    await close();
  });

  test('the speaker hears at a section\'s beginning whether the room is late, and what to leave out', async () => {
    const { page, close } = await openDeck(file, screen, { search: '?plan=harden&start=10:00', browser, now: today(13, 50) });
    const opening = page.waitForEvent('popup');
    await page.keyboard.press('s');
    const speaker = await opening;
    const { latest } = planOf('harden', deck).rows.find(({ section }) => section === '30-terminal');
    await page.clock.setFixedTime(today(10, latest + 8));
    await page.evaluate(() => Reveal.slide(Reveal.getIndices(document.getElementById('30-terminal').firstElementChild).h, 0));
    // What is over can no longer be cut: 14, 15 and 16 are.
    const words = '8 minutes late: do 18 without step 5, do 19 as a demo.';
    await speaker.waitForFunction((text) => document.querySelector('.speaker-controls-notes .value')?.textContent.includes(text), words, { timeout: 60_000 });
    await close();
  });

  test('pauses have no number, so all slides keep theirs', async () => {
    const { page, close } = await openDeck(file, screen, { browser });
    const numbers = await page.evaluate(() => [...document.querySelectorAll('.slide footer')].map(({ dataset }) => dataset.number).filter(Boolean));
    assert.deepEqual(numbers, Array.from({ length: slides }, (_, index) => `${index + 1} / ${slides}`));
    await close();
  });

  for (const plan of ['full', 'half', 'two-hours', 'harden']) {
    test(`?plan=${plan} shows the sections of that plan`, async () => {
      const { page, close } = await openDeck(file, screen, { search: `?plan=${plan}`, browser });
      const shown = await page.evaluate(() => [...document.querySelectorAll('.slides > section')].map(({ id }) => id));
      assert.deepEqual(shown, deck.filter(({ plans }) => plans.includes(plan)).map(({ id }) => id));
      // What a task promises is what the plan has.
      const turns = await page.evaluate(() => [...document.querySelectorAll('section.task h2')].map((heading) => Number(/\d+/.exec(heading.textContent))));
      const held = deck.filter(({ plans, exercise }) => plans.includes(plan) && exercise[plan]);
      assert.deepEqual(turns, held.map(({ exercise }) => exercise[plan]));
      // The speaker's window adds these up: the pauses are among them, each once.
      assert.equal(await page.evaluate(() => [...document.querySelectorAll('[data-timing]')].reduce((sum, each) => sum + Number(each.dataset.timing), 0)),
        60 * planOf(plan, deck).total);
      assert.equal(await page.locator('section.pause').count(), pausesOf(plan));
      await close();
    });
  }
});
