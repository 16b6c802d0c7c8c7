// The page of each level's solution, and of the finished runtime and its library: it opens, is walked through by
// keyboard, shows what the JSON says, and is whole on each screen, in each theme and on paper.

import assert from 'node:assert/strict';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { accessibilityFaults, goTo, launch, open, overflow, pages, read, shown } from './browser.mjs';
import { rowsOf, shownRows, stateAt } from './expected.mjs';

// Five calls of each, of which the state is compared.
const NAMED = {
  level00: ['execve', 'exit'],
  level01: ['mkdir', 'clone', 'close_range', 'execve', 'exit'],
  level02: ['clone', 'mount', 'chroot', 'chdir', 'umount2'],
  level03: ['clone', 'unshare', 'mount', 'chroot', 'chdir'],
  level04: ['unshare', 'mount', 'pivot_root', 'chdir', 'umount2'],
  level05: ['unshare', 'mount', 'pivot_root', 'chdir', 'umount2'],
  level06: ['unshare', 'sethostname', 'pivot_root', 'umount2', 'execve'],
  level07: ['clone', 'sethostname', 'pivot_root', 'prctl', 'execve'],
  level08: ['clone', 'sethostname', 'ioctl', 'pivot_root', 'execve'],
  level09: ['clone', 'unshare', 'ioctl', 'pivot_root', 'close_range'],
  level10: ['clone', 'write', 'sethostname', 'ioctl', 'pivot_root'],
  level11: ['clone', 'setgroups', 'ioctl', 'pivot_root', 'execve'],
  complete: ['clone', 'sethostname', 'pivot_root', 'capset', 'execve'],
  level12: ['clone', 'sethostname', 'pivot_root', 'capset', 'execve'],
  level13: ['clone', 'pivot_root', 'mount', 'capset', 'execve'],
  level14: ['clone', 'pivot_root', 'mount', 'capset', 'execve'],
  level15: ['clone', 'pivot_root', 'mount', 'capset', 'execve'],
  level16: ['clone', 'pivot_root', 'mount', 'capset', 'execve'],
  rd: ['clone', 'sethostname', 'pivot_root', 'capset', 'execve'],
  options: ['clone', 'write', 'setgroups', 'setuid', 'capset'],
};
// axe takes longer than all the rest: of the pages, which are made of the same parts, it sees those
// with the fewest and the most of them. With pictures, whoever asks has time, and it sees all.
const WITH_AXE = new Set(['level00', 'rd', 'options']);
// The largest a page may be: one mails it.
const LARGEST = 250_000;
const { SCREENSHOTS: screenshots } = process.env;

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

/** The number of the last step of this call that has succeeded. */
const find = (record, call) => record.steps.findLastIndex((step) => step.call === call && !step.error) + 1;

describe('pages of real runs', { concurrency: 2 }, () => {
  for (const [name, calls] of Object.entries(NAMED)) {
    test(name, async () => {
      const record = read(name);
      const file = join(pages, `${name}.html`);
      const { size } = statSync(file);
      assert.ok(size < LARGEST, `${size} bytes`);
      await walk(file, record);
      for (const call of calls) {
        const number = find(record, call);
        assert.ok(number > 0, `no ${call}: ${record.steps.map((step) => step.call)}`);
      }
      const views = [{ width: 1280, theme: 'light' }, { width: 390, theme: 'dark' }];
      if (name === 'rd' || screenshots) views.push({ width: 1280, theme: 'dark' }, { width: 390, theme: 'light' });
      for (const view of views) await look(name, file, record, calls, view);
      console.log(`${name}: ${size} bytes, ${record.steps.length} steps`);
    });
  }
});

// All steps forth by keyboard, and back: each is shown, and none twice.
async function walk(file, record) {
  const { tab, close } = await open(browser, file);
  // After each key, what is shown, and where a link to it would lead.
  await tab.evaluate(() => {
    window.seen = [];
    const top = () => document.querySelector('header').getBoundingClientRect().top;
    const look = () => window.seen.push([Number(document.querySelector('main .step').dataset.step), location.hash, top()]);
    document.addEventListener('keydown', look);
  });
  const pressed = async (key, times) => {
    for (let count = 0; count < times; count += 1) await tab.keyboard.press(key);
    const seen = await tab.evaluate(() => window.seen.splice(0));
    for (const [number, hash, top] of seen) {
      assert.equal(hash, `#step-${number}`);
      assert.equal(top, 0, `at step ${number} the page has moved`);
    }
    return seen.map(([number]) => number);
  };
  const stops = await startsOf(tab);
  assert.deepEqual(await pressed('Home', 1), [1]);
  // At the end it stays.
  assert.deepEqual(await pressed('ArrowRight', stops.length), [...stops.slice(1), stops.at(-1)]);
  assert.deepEqual(await pressed('ArrowLeft', stops.length), [...stops.toReversed().slice(1), 1]);
  assert.deepEqual(await pressed('End', 1), [stops.at(-1)]);
  for (const [at, number] of stops.entries()) {
    const next = stops[at + 1] ?? record.steps.length + 1;
    const calls = new Set(record.steps.slice(number - 1, next - 1).map((step) => step.call));
    assert.equal(calls.size, 1, `steps ${number} to ${next - 1} are one stop: ${[...calls]}`);
  }
  await onPaper(tab, stops);
  await close();
}

/** The step with which each entry of the timeline begins. */
const startsOf = (tab) => tab.locator('.timeline a').evaluateAll((links) => links.map((link) => Number(link.hash.replace('#step-', ''))));

// On paper each stop is there, and on the screen again none but one.
async function onPaper(tab, forth) {
  await tab.emulateMedia({ media: 'print' });
  await tab.waitForSelector('#strip .step');
  const strip = await tab.evaluate(() => ({
    steps: [...document.querySelectorAll('#strip .step')].map((step) => Number(step.dataset.step)),
    isVisible: document.querySelector('#strip').checkVisibility(),
    page: document.querySelector('#page').checkVisibility(),
    paper: getComputedStyle(document.body).backgroundColor,
    wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
  }));
  assert.deepEqual(strip, { steps: forth, isVisible: true, page: false, paper: 'rgb(255, 255, 255)', wide: false });
  await tab.emulateMedia({ media: 'screen' });
  await tab.waitForSelector('#strip .step', { state: 'detached' });
}

async function look(name, file, record, calls, { width, theme }) {
  const { tab, close } = await open(browser, file, { width, theme });
  const isCompared = width === 1280 && theme === 'light';
  // Of the five the third has most to show.
  const most = Math.min(2, calls.length - 1);
  for (const [at, call] of calls.entries()) {
    if (!isCompared && at !== most && !screenshots) continue;
    const number = find(record, call);
    await goTo(tab, number);
    await tab.evaluate(() => document.querySelectorAll('details').forEach((each) => { each.open = true; }));
    if (isCompared) await compare(tab, record, number);
    if (at === most) {
      assert.deepEqual(await overflow(tab), [], `${call}, ${width} px`);
      if (screenshots || WITH_AXE.has(name)) assert.deepEqual(await accessibilityFaults(tab), [], `${call}, ${width} px, ${theme}`);
    }
    if (screenshots) {
      mkdirSync(screenshots, { recursive: true });
      await tab.evaluate(() => document.querySelectorAll('details').forEach((each) => { each.open = false; }));
      await tab.screenshot({ path: join(screenshots, `${name}-${call}-${width}-${theme}.png`) });
    }
  }
  await close();
}

// Row by row what the JSON says of this step.
async function compare(tab, record, number) {
  const seen = await tab.evaluate(shownRows);
  const { views, step } = stateAt(record, number);
  const where = `step ${number}, ${step.call}`;
  // Steps that are one stop end later than they begin.
  const start = await shown(tab);
  const links = await startsOf(tab);
  const end = (links[links.indexOf(start) + 1] ?? record.steps.length + 1) - 1;
  const state = end === number ? views : stateAt(record, end).views;
  const who = step.born ?? step.who;
  assert.equal(seen.who, who, where);
  const store = await tab.evaluate(() => document.querySelector('.note code')?.textContent);
  const whole = (text) => (store ? text.replaceAll('…/', `${store}/`) : text);
  assert.ok(seen.call.includes(`${step.call}(`), seen.call);
  if (start === end) assert.ok(whole(seen.call).includes(step.arguments.join(', ')), `${where}: ${seen.call}`);
  // Of a process that has ended nothing is left.
  const isGone = step.call === 'exit';
  if (isGone) assert.deepEqual(seen.namespaces, {}, where);
  else for (const [kind, name] of Object.entries(state[who].namespaces).filter(([kind]) => kind !== 'pid_for_children')) {
    assert.equal(seen.namespaces[kind]?.name, name, `${where}: ${kind}`);
    assert.equal(seen.namespaces[kind].isOwn, name !== 'host', `${where}: ${kind}`);
  }
  const all = Object.entries(rowsOf(state, who));
  const expected = Object.fromEntries(all.filter(([row]) => !isGone || row.endsWith(' host')));
  for (const [row, entries] of Object.entries(expected)) {
    const found = seen.rows[row] ?? {};
    assert.deepEqual(Object.keys(found).toSorted(), Object.keys(entries).toSorted(), `${where}: ${row}`);
    for (const [key, { words, on }] of Object.entries(entries)) {
      const text = whole(found[key].text);
      for (const word of words) assert.ok(text.includes(word), `${where}: ${row}: ${key} is "${text}", without "${word}"`);
      assert.equal(found[key].on, on, `${where}: ${row}: ${key} hangs below another one`);
    }
  }
  const unknown = Object.keys(seen.rows).filter((row) => !Object.hasOwn(expected, row) && !row.startsWith('others'));
  assert.deepEqual(unknown, [], where);
}
