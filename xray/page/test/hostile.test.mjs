// A record says what a learner's files and command line say. None of it may be more than text.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, open, shown } from './browser.mjs';

const EVIL = '</script><script>window.hit = 1; alert(1)</script><img src=x onerror="window.hit = 1"><!-- <script \u2028 \' " ` ${window.hit = 1} &lt;b&gt; RECORD SCRIPT $& $1';

let browser;
let directory;
before(async () => {
  browser = await launch();
  directory = mkdtempSync(join(tmpdir(), 'xray-page-'));
});
after(async () => {
  await browser.close();
  rmSync(directory, { recursive: true });
});

function page(record, files) {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(directory, file, '..'), { recursive: true });
    writeFileSync(join(directory, file), text);
  }
  const path = join(directory, 'record');
  writeFileSync(path, JSON.stringify(record));
  const html = execFileSync(process.env.XRAY, ['page', '--course', directory, path], { maxBuffer: 1e8 });
  writeFileSync(join(directory, 'page.html'), html);
  return join(directory, 'page.html');
}

// Every text of it is evil.
function evilRecord() {
  const lines = [{ file: 'levels/99_x/src/main.rs', line: 2, function: EVIL }];
  const view = {
    mounts: { m001: { point: EVIL, type: EVIL, source: EVIL, options: EVIL, propagation: EVIL, [EVIL]: EVIL }, [EVIL]: { point: '/', type: 'x', options: '', propagation: 'private', on: EVIL } },
    hostname: EVIL, root: EVIL, cwd: EVIL, interfaces: { [EVIL]: EVIL, lo: { state: 'up', addresses: [EVIL], routes: { [EVIL]: null } } },
    cgroup: { [EVIL]: EVIL }, cgroups: { [EVIL]: { [EVIL]: EVIL } }, processes: { p1: { parent: 'host', program: EVIL }, [EVIL]: { parent: EVIL, program: `["${EVIL.replaceAll('"', '')}"]` } },
    NSpid: EVIL, Uid: EVIL, Gid: '0 0 0 0', Groups: EVIL, CapEff: '3', CapPrm: '3', CapInh: '0', CapBnd: 'ffffffffffffffff', CapAmb: '0', NoNewPrivs: EVIL, Seccomp: EVIL,
    descriptors: { 0: EVIL, [EVIL]: EVIL }, namespaces: { mnt: EVIL, uts: 'host' }, [EVIL]: { [EVIL]: [EVIL, { a: EVIL }] }, overhead: 1.5, __proto__: EVIL, toString: EVIL,
  };
  const step = (more) => ({ who: 'p1', call: 'mount', arguments: [JSON.stringify(EVIL), EVIL], lines, ...more });
  return {
    format: 1, argv: ['level99', 'run', EVIL], host: 'own', extra: EVIL,
    steps: [
      step({ view: { host: {}, p1: {} } }),
      step({ view: { host: view, p1: view } }),
      step({ call: EVIL, who: EVIL, view: { [EVIL]: view } }),
      step({ error: { errno: EVIL, words: EVIL, why: EVIL } }),
      step({ call: 'clone', born: EVIL, view: { [EVIL]: { hostname: 'x' } } }),
      step({ call: 'mkdir', times: 9, names: [EVIL, EVIL], calls: { [EVIL]: 9 } }),
      step({ call: 'exit', lines: undefined }),
    ],
    end: { cut: EVIL, left: [EVIL] },
  };
}

test('nothing in a record runs, or is markup', async () => {
  const source = `// TODO(99) 1. ${EVIL}\nlet x = "${EVIL}"; // ${EVIL}\n// END TODO(99)\n`;
  const file = page(evilRecord(), { 'levels/99_x/src/main.rs': source });
  for (const width of [1280, 390]) {
    const { tab, close } = await open(browser, file, { width });
    let last;
    while (last !== await shown(tab)) {
      last = await shown(tab);
      await tab.evaluate(() => document.querySelectorAll('details').forEach((each) => { each.open = true; }));
      const found = await tab.evaluate(() => ({
        hit: window.hit,
        scripts: document.scripts.length,
        others: document.querySelectorAll('img, iframe, object, embed, svg, style ~ style, [onerror], [style], base').length,
        wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
      }));
      assert.deepEqual(found, { hit: undefined, scripts: 2, others: 0, wide: false }, `step ${last}`);
      await tab.keyboard.press('ArrowRight');
    }
    assert.equal(last, 7);
    const said = await tab.evaluate(() => document.title);
    assert.ok(said.includes('</script><script>'), 'it is shown as it is');
    await tab.emulateMedia({ media: 'print' });
    await tab.waitForSelector('#strip .step');
    assert.equal(await tab.evaluate(() => window.hit), undefined);
    await close();
  }
});

test('the page’s policy lets nothing else run or load', async () => {
  const file = page({ format: 1, argv: ['x'], host: 'own', steps: [], end: { status: 0 } }, {});
  const context = await browser.newContext();
  const tab = await context.newPage();
  const refused = [];
  tab.on('console', (message) => refused.push(message.text()));
  const answered = [];
  const stopped = [];
  tab.on('requestfinished', (request) => answered.push(request.url()));
  tab.on('requestfailed', (request) => stopped.push(request.failure().errorText));
  await tab.goto(`file://${file}`);
  await tab.evaluate(async () => {
    const script = document.createElement('script');
    script.textContent = 'window.hit = 1';
    document.body.append(script);
    const image = new Image();
    image.src = 'https://example.invalid/x.png';
    document.body.append(image);
    await fetch('https://example.invalid/').catch(() => undefined);
  });
  assert.equal(await tab.evaluate(() => window.hit), undefined);
  assert.deepEqual(answered.filter((url) => url.startsWith('http')), []);
  // Had they been tried, they would have failed for another reason: there is no such host.
  assert.deepEqual(stopped.filter((why) => why !== 'csp'), []);
  assert.ok(refused.length >= 3, refused.join('\n'));
  await context.close();
});

test('a run without a step has a page as well', async () => {
  const file = page({ format: 1, argv: ['x'], host: 'own', steps: [], end: { cut: 'it was too early' } }, {});
  const { tab, close } = await open(browser, file);
  assert.match(await tab.locator('main').textContent(), /it was too early/);
  await tab.keyboard.press('ArrowRight');
  await close();
});
