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
    const lit = await tab.locator('main .lit').first().evaluate((element) => [element.querySelector('.number').textContent, element.querySelector('.code').textContent]);
    assert.equal(lit[0], String(line));
    assert.match(lit[1], /^this line: /);
    assert.equal(lit[1].replace('this line: ', '').trim(), record.files[name].split('\n')[line - 1].trim());
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
  await tab.locator('.others [data-row="capabilities"] > summary').click();
  // In which others are among the rest, and so it stands in another place.
  await goTo(tab, stepOf('pivot_root'));
  assert.equal(await tab.locator('[data-row="capabilities"] .set').first().isVisible(), true);
  assert.deepEqual(await tab.locator('.others > details[open]').evaluateAll((rows) => rows.map((row) => row.dataset.row)), ['capabilities']);
  // What was unfolded of a step's own changes is another one in the next.
  await goTo(tab, record.steps.findIndex((step) => step.call === 'mount' && step.arguments[0] === '"proc"') + 1);
  await tab.locator('.rows .fold').first().locator('summary').click();
  assert.equal(await tab.locator('.rows details[open]').count(), 1);
  await tab.keyboard.press('ArrowRight');
  assert.equal(await tab.locator('.rows details[open]').count(), 0);
  await close();
});

test('the first step says what one is looking at, also on paper', async () => {
  const { tab, close } = await open(browser, file);
  assert.match(await tab.locator('main .intro').textContent(), /rd run true was run once.*“the level”.*is gone/s);
  await tab.keyboard.press('ArrowRight');
  assert.equal(await tab.locator('main .intro').count(), 0);
  await tab.emulateMedia({ media: 'print' });
  await tab.waitForSelector('#strip .step');
  assert.equal(await tab.locator('#strip .intro').count(), 1);
  await close();
});

test('of a process that has ended nothing is shown, but that it is gone', async () => {
  const number = record.steps.findIndex((step) => step.call === 'exit') + 1;
  const { tab, close } = await open(browser, file, { hash: `#step-${number}` });
  assert.match(await tab.locator('main .verdict').textContent(), /p2 is gone: .* the host’s/);
  assert.equal(await tab.locator('main .namespaces, main .side.own:not(.empty)').count(), 0);
  assert.equal(await tab.locator('.timeline [aria-current] .dot.own').count(), 1);
  await close();
});

test('a step that makes files says so, and does not say that nothing has happened', async () => {
  const { tab, close } = await open(browser, file, { hash: `#step-${stepOf('symlinkat')}` });
  const verdict = await tab.locator('main .verdict').textContent();
  assert.match(verdict, /Only files have changed/);
  assert.doesNotMatch(verdict, /The host has not changed/);
  assert.match(await tab.locator('.timeline [aria-current]').textContent(), /changes files/);
  assert.equal(await tab.locator('.legend .dot.files').count(), 1);
  await close();
});

test('that no path leads to the host’s mounts any more comes first', async () => {
  const { tab, close } = await open(browser, file, { hash: `#step-${stepOf('umount2')}` });
  assert.match(await tab.locator('main .verdict p').first().textContent(), /^The host’s mounts cannot be reached/);
  const gone = tab.locator('[data-row="mounts"] .own .fold.gone');
  await gone.locator('summary').click();
  assert.match(await gone.locator('li .what').first().evaluate((element) => getComputedStyle(element).textDecorationLine), /line-through/);
  await close();
});

test('who does what is said: of a child, of a copy, of another program', async () => {
  const { tab, close } = await open(browser, file, { hash: `#step-${stepOf('clone')}` });
  assert.match(await tab.locator('main .does').textContent(), /^p1 starts a child, p2: a copy of itself/);
  await goTo(tab, record.steps.findLastIndex((step) => step.call === 'execve') + 1);
  assert.match(await tab.locator('main .verdict').textContent(), /another program/);
  const of = read('level04');
  const number = of.steps.findIndex((step) => step.call === 'unshare') + 1;
  const other = await open(browser, join(pages, 'level04.html'), { hash: `#step-${number}` });
  assert.match(await other.tab.locator('.namespaces [data-kind="mnt"]').textContent(), /own copy now/);
  await other.close();
  await close();
});

test('an entry of the timeline has its number, its process and the whole call', async () => {
  const { tab, close } = await open(browser, file);
  const number = stepOf('pivot_root');
  const entry = tab.locator(`.timeline a[href="#step-${number}"]`);
  assert.equal(await entry.locator('.at').textContent(), String(number));
  assert.equal(await entry.locator('.who').textContent(), 'p2');
  assert.equal(await entry.locator('.text').getAttribute('title'), `pivot_root(${record.steps[number - 1].arguments.join(', ')})`);
  await close();
});

test('in the finished runtime no block is anybody’s task', async () => {
  const { tab, close } = await open(browser, file, { hash: `#step-${stepOf('pivot_root')}` });
  assert.equal(await tab.locator('main .tag, main .yours').count(), 0);
  await close();
});
