// How one uses the page: keys, slider, autoplay, themes, links into it, a screen reader, a phone.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { goTo, launch, open, pages, read, shown } from './browser.mjs';

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const file = join(pages, 'rd.html');
const record = read('rd');
const stepOf = (call) => record.steps.findLastIndex((step) => step.call === call && !step.error) + 1;

test('a link leads to its step, also to one among several that are told as one', async () => {
  const { tab, close } = await open(browser, file, { hash: `#step-${stepOf('pivot_root')}` });
  assert.equal(await shown(tab), stepOf('pivot_root'));
  // Of 27 calls of prctl the last one.
  const last = record.steps.findLastIndex((step) => step.arguments?.[0] === 'PR_CAPBSET_DROP') + 1;
  await goTo(tab, last);
  const first = await shown(tab);
  assert.ok(first < last);
  assert.match(await tab.locator('main .call').textContent(), new RegExp(`×${last - first + 1}`));
  await goTo(tab, 9999);
  await tab.waitForFunction(() => document.querySelector('main .step').dataset.step > 80);
  await tab.goto(`${tab.url().split('#')[0]}#step-x"><b>`);
  assert.ok(await shown(tab) > 0);
  await close();
});

test('the space bar plays, and stops at the end or when one goes by hand', async () => {
  const { tab, close } = await open(browser, file, { clock: true });
  await tab.keyboard.press('Space');
  const begin = await shown(tab);
  await tab.clock.runFor(4000);
  const then = await shown(tab);
  assert.ok(then > begin, `${begin} to ${then}`);
  await tab.keyboard.press('ArrowLeft');
  const stopped = await shown(tab);
  await tab.clock.runFor(10_000);
  assert.equal(await shown(tab), stopped);
  assert.equal(await tab.locator('.play').getAttribute('aria-label'), 'Play');
  await tab.keyboard.press('Space');
  await tab.clock.runFor(600_000);
  assert.equal(await shown(tab), record.steps.length);
  assert.equal(await tab.locator('.play').getAttribute('aria-label'), 'Play');
  await close();
});

test('nothing plays or moves by itself', async () => {
  const { tab, close } = await open(browser, file, { clock: true });
  await tab.clock.runFor(60_000);
  assert.equal(await shown(tab), 1);
  const moving = await tab.evaluate(() => [...document.querySelectorAll('*')].filter((element) => getComputedStyle(element).transitionDuration !== '0s' || getComputedStyle(element).animationName !== 'none').length);
  assert.equal(moving, 0);
  await close();
});

test('the slider, the buttons and the timeline lead to the same steps', async () => {
  const { tab, close } = await open(browser, file);
  await tab.getByRole('slider', { name: 'Step' }).focus();
  await tab.keyboard.press('ArrowRight');
  await tab.keyboard.press('ArrowRight');
  assert.equal(await shown(tab), 3);
  assert.match(await tab.getByRole('slider').getAttribute('aria-valuetext'), /^Step 3 of/);
  await tab.getByRole('button', { name: 'Previous step' }).click();
  assert.equal(await shown(tab), 2);
  await tab.getByRole('button', { name: 'Next step' }).click();
  assert.equal(await shown(tab), 3);
  // A key on a button is the button's.
  await tab.getByRole('button', { name: 'Next step' }).press('Space');
  assert.equal(await shown(tab), 4);
  await tab.locator('.timeline a', { hasText: 'pivot_root' }).click();
  await tab.waitForFunction((wanted) => Number(document.querySelector('main .step').dataset.step) === wanted, stepOf('pivot_root'));
  await close();
});

test('the headings of the timeline are the lines of the level', async () => {
  const { tab, close } = await open(browser, file);
  const lines = Object.values(record.files).flatMap((text) => text.split('\n'));
  const heads = await tab.locator('.timeline h2 code').allTextContents();
  assert.ok(heads.length > 10);
  for (const head of heads) assert.ok(lines.some((line) => head.startsWith(line.trim().slice(0, 20)) && line.trim() !== ''), head);
  for (const wanted of ['mounts::enter(&root)?;', 'sethostname(&options.id)?;', 'network::bring_up("lo")?;']) assert.ok(heads.includes(wanted), wanted);
  await close();
});

test('the lit line is the one that has made the call', async () => {
  const { tab, close } = await open(browser, file);
  for (const call of ['pivot_root', 'sethostname', 'capset']) {
    await goTo(tab, stepOf(call));
    const { file: name, line } = record.steps[stepOf(call) - 1].lines[0];
    const lit = await tab.locator('main .lit').first().evaluate((element) => [element.querySelector('.number').textContent, element.querySelector('.code').lastChild.parentElement.textContent.replace('this line: ', '').trim()]);
    assert.deepEqual(lit, [String(line), record.files[name].split('\n')[line - 1].trim()]);
  }
  await close();
});

test('a block that is the learner’s is marked', async () => {
  const of = read('level06');
  const number = of.steps.findIndex((step) => step.call === 'unshare') + 1;
  const { tab, close } = await open(browser, join(pages, 'level06.html'), { hash: `#step-${number}` });
  assert.equal(await tab.locator('main .tag').textContent(), 'your block TODO(06) 2');
  const yours = await tab.locator('main .line.yours .number').allTextContents();
  const text = of.files[of.steps[number - 1].lines[0].file].split('\n');
  const all = text.flatMap((line, at) => (/TODO\(06\)/.test(line) ? [at + 1] : []));
  const [from] = all.filter((line) => line <= of.steps[number - 1].lines[0].line).slice(-1);
  assert.ok(yours.includes(String(from)), `${yours} from ${from}`);
  await close();
});

test('a call that has failed is red, and says so in words, and why', async () => {
  const of = read('failed');
  const number = of.steps.findIndex((step) => step.call === 'execve' && step.error) + 1;
  const { error } = of.steps[number - 1];
  for (const theme of ['light', 'dark']) {
    const { tab, close } = await open(browser, join(pages, 'failed.html'), { hash: `#step-${number}`, theme });
    const failure = tab.getByRole('note');
    assert.match(await failure.textContent(), new RegExp(`The call has failed: ${error.errno} \\(${error.words}\\)`));
    const plain = (text) => text.replaceAll(/[`*]/g, '').toLowerCase();
    assert.ok(plain(await failure.textContent()).includes(plain(error.why)), error.why);
    const colour = (selector) => tab.locator(selector).first().evaluate((element) => getComputedStyle(element).color.match(/\d+/g).map(Number));
    for (const selector of ['main .call', '.timeline a.failed']) {
      const [red, green, blue] = await colour(selector);
      assert.ok(red > green + 60 && red > blue + 60, `${selector} is ${[red, green, blue]}`);
    }
    assert.match(await tab.locator('.timeline a.failed').first().textContent(), /failed: execve/);
    assert.match(await tab.getByRole('status').textContent(), /execve, failed\./);
    await close();
  }
  // Where the command is found at last, looking for it is no failure.
  const { tab, close } = await open(browser, file);
  assert.equal(await tab.locator('.timeline a.failed').count(), 0);
  await close();
});

test('what has changed is told to those who do not see it', async () => {
  const { tab, close } = await open(browser, file, { hash: `#step-${stepOf('sethostname')}` });
  const said = tab.getByRole('status');
  assert.match(await said.textContent(), /^Step \d+: sethostname\. Changed: hostname\. The host has not changed\.$/);
  await tab.keyboard.press('ArrowRight');
  assert.match(await said.textContent(), /ioctl\. Changed: network/);
  for (const landmark of ['banner', 'navigation', 'main']) assert.equal(await tab.getByRole(landmark).count(), 1, landmark);
  assert.ok(await tab.getByRole('navigation').getByRole('list').count() > 5);
  const current = tab.locator('.timeline [aria-current="step"]');
  assert.equal(await current.count(), 1);
  assert.match(await current.textContent(), /changes the process/);
  await close();
});

test('the host is not spared what a level does to it', async () => {
  const of = read('level02');
  const number = of.steps.findIndex((step) => step.call === 'mount') + 1;
  const { tab, close } = await open(browser, join(pages, 'level02.html'), { hash: `#step-${number}` });
  assert.match(await tab.locator('main .verdict').textContent(), /The host has changed too: mounts\./);
  assert.equal(await tab.locator('.timeline [aria-current] .dot.host').count(), 1);
  await close();
});

test('what the host’s mounts become is one sentence', async () => {
  const { tab, close } = await open(browser, file, { hash: `#step-${stepOf('pivot_root')}` });
  const count = Object.keys(record.steps[0].view.host.mounts).length;
  const fold = tab.locator('[data-row="mounts"] .own .fold').first();
  assert.equal(await fold.locator('summary').textContent(), `${count} mounts are now below /.old-root`);
  assert.equal(await fold.locator('li').first().isVisible(), false);
  await fold.locator('summary').click();
  assert.equal(await fold.locator('li').count(), count);
  await close();
});

test('the theme is the system’s, until one says otherwise', async () => {
  const { tab, close } = await open(browser, file, { theme: 'dark' });
  const paper = () => tab.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await paper();
  await tab.getByRole('button', { name: 'Light' }).click();
  assert.notEqual(await paper(), dark);
  await tab.reload();
  assert.notEqual(await paper(), dark, 'it is remembered');
  await tab.getByRole('button', { name: 'Dark' }).click();
  assert.equal(await paper(), dark);
  await close();
});

test('on a phone the timeline is behind a button', async () => {
  const { tab, close } = await open(browser, file, { width: 390 });
  const timeline = tab.getByRole('navigation');
  assert.equal(await timeline.count(), 0);
  await tab.getByRole('button', { name: 'Steps' }).click();
  assert.equal(await timeline.isVisible(), true);
  await timeline.getByRole('link', { name: /pivot_root/ }).click();
  await tab.waitForFunction((wanted) => Number(document.querySelector('main .step').dataset.step) === wanted, stepOf('pivot_root'));
  assert.equal(await timeline.count(), 0);
  await close();
});

test('a row that was unfolded stays so in the next step', async () => {
  const { tab, close } = await open(browser, file, { hash: `#step-${stepOf('sethostname')}` });
  await tab.locator('.others [data-row="capabilities"] summary').click();
  await tab.keyboard.press('ArrowRight');
  assert.equal(await tab.locator('[data-row="capabilities"] .set').first().isVisible(), true);
  await close();
});
