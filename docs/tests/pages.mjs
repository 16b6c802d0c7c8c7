// Opens every page of the built book in headless Chromium, in a light and a dark theme,
// as wide as a desktop, as wide as a phone and on paper, and says what a reader would stumble over.
//
//   node docs/tests/pages.mjs BOOK [SCREENSHOTS]
//
// BOOK is the directory that mdBook has made. CHROMIUM names another browser than
// /usr/bin/chromium. Where there are SCREENSHOTS, axe-core looks at every page; else at a few that
// have one of everything.

import { chromium } from 'playwright-core';
import { mkdirSync, readdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { barriersIn } from './axe.mjs';
import { classFaults } from './class.mjs';
import { cheatSheetFaults } from './cheatsheets.mjs';
import { keysLeadTo } from './keys.mjs';
import { faultsOf, linksOf } from './page.mjs';
import { follow } from './links.mjs';
import { onPaper, paperFaults } from './paper.mjs';
import { pressed } from './pressed.mjs';
import { searchFaults } from './search.mjs';
import { xraysOf } from './xrays.mjs';

const [directory, screenshots] = process.argv.slice(2);
if (!directory) {
    console.error('node docs/tests/pages.mjs BOOK [SCREENSHOTS]');
    process.exit(125);
}
const book = resolve(directory);
const views = ['light', 'navy'].flatMap((theme) => [1280, 390].map((width) => ({ theme, width })));
const reference = 'reference/linux_sys/index.html';
const FEW = ['index.html', 'lessons/08.html', 'prepare/namespaces.html', 'escapes.html', 'forty-steps.html', 'cheatsheets/03.html', 'class/helpers.html'];

// What rustdoc has made is rustdoc's: one page of it must open, the others be there. X-rays are
// opened where the lessons show them.
const pages = readdirSync(book, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.html') && entry.name !== 'toc.html')
    .map((entry) => relative(book, join(entry.parentPath, entry.name)))
    .filter((page) => !page.startsWith('reference/') && !page.startsWith('xray/'))
    .sort();
if (pages.length === 0) {
    console.error(`${book} has no pages; make it: mdbook build docs`);
    process.exit(125);
}

const faults = new Set([...cheatSheetFaults(), ...classFaults()]);
const links = new Map();

const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    // Root, as CI is, has no other sandbox; nothing but our own pages is opened.
    args: process.getuid() === 0 ? ['--no-sandbox'] : [],
});
try {
    await Promise.all(views.map(look));
    await search();
    await keys();
    (await pressed(browser, book, watch)).forEach((fault) => faults.add(fault));
} finally {
    await browser.close();
}

const { broken, external } = follow(book, links);
broken.forEach((fault) => faults.add(fault));
for (const [url, page] of [...external].sort()) {
    console.log(`external: ${url} (${page})`);
}
console.log(`${pages.length} pages, ${views.length} views, ${external.size} external links, ${faults.size} faults`);
for (const fault of [...faults].sort()) {
    console.error(fault);
}
process.exit(faults.size === 0 ? 0 : 1);

// All pages, in one theme and one width.
async function look({ theme, width }) {
    // No colour scheme of the reader's: then a frame has that of the page around it.
    const context = await browser.newContext({ viewport: { width, height: 900 }, reducedMotion: 'reduce', colorScheme: null });
    await context.addInitScript((theme) => localStorage.setItem('mdbook-theme', theme), theme);
    const tab = await context.newPage();
    let page;
    const complain = (what) => faults.add(`${page} (${theme}, ${width} px): ${what}`);
    watch(context, tab, complain);
    for (page of [...pages, reference]) {
        await tab.goto(pathToFileURL(join(book, page)).href, { waitUntil: 'load', timeout: 300_000 });
        if (page === reference) continue;
        (await tab.evaluate(faultsOf, theme)).forEach(complain);
        (await xraysOf(tab, page, theme)).forEach(complain);
        if (!links.has(page)) links.set(page, await tab.evaluate(linksOf));
        if (page === 'print.html') continue;
        if (screenshots || FEW.includes(page)) (await barriersIn(tab)).forEach(complain);
        if (screenshots) await photograph(tab, page, `${theme}-${width}`);
        if (theme !== 'navy' || width !== 1280) continue;
        // Paper is white also where the screen is dark.
        (await paperFaults(tab, page)).forEach(complain);
        if (screenshots) await onPaper(tab, () => photograph(tab, page, 'paper'));
    }
    await context.close();
}

// Whatever leaves the machine is stopped, and is a fault; so is an error in the console.
function watch(context, tab, complain) {
    context.route(/^(?!file:|data:|blob:)/, (route) => {
        complain(`asks for ${route.request().url()}`);
        route.abort();
    });
    tab.on('console', (message) => message.type() === 'error' && complain(`console: ${message.text()}`));
    tab.on('pageerror', (error) => complain(`script: ${error.message}`));
    tab.on('requestfailed', (request) => {
        // Aborted is what was still on its way when we went on to the next page.
        const isOurs = request.failure()?.errorText === 'net::ERR_ABORTED';
        if (!isOurs) complain(`not loaded: ${request.url()}`);
    });
}

async function photograph(tab, page, view) {
    mkdirSync(screenshots, { recursive: true });
    const name = `${page.replaceAll('/', '-').replace('.html', '')}-${view}.png`;
    await tab.screenshot({ path: join(screenshots, name), fullPage: true });
}

// The search works without a server.
async function search() {
    const context = await browser.newContext();
    const tab = await context.newPage();
    watch(context, tab, (what) => faults.add(`search: ${what}`));
    await tab.goto(pathToFileURL(join(book, 'index.html')).href);
    (await searchFaults(tab)).forEach((what) => faults.add(`search: ${what}`));
    (await barriersIn(tab)).forEach((what) => faults.add(`search: ${what}`));
    await context.close();
}

// Nor does it take a mouse.
async function keys() {
    for (const width of [1280, 390]) {
        const context = await browser.newContext({ viewport: { width, height: 900 }, reducedMotion: 'reduce' });
        const tab = await context.newPage();
        await tab.goto(pathToFileURL(join(book, 'lessons/03.html')).href);
        (await keysLeadTo(tab)).forEach((what) => faults.add(`keys (${width} px): ${what}`));
        await context.close();
    }
}
