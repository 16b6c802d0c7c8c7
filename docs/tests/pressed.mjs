// What a reader presses: steps of a picture, questions, the matrix of escapes. With the keyboard
// alone, on a desktop and on a phone; what is left without a script, and on paper.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const STEPPED = {
    'lessons/03.html': 4,
    'prepare/mounts.html': 3,
    'prepare/overlayfs.html': 4,
    'prepare/capabilities.html': 6,
    'prepare/cgroups.html': 4,
};
const LEVELS = readdirSync(new URL('../../levels', import.meta.url)).filter((name) => /^\d\d_/.test(name)).length;
const CHAPTERS = ['capabilities', 'cgroups', 'chroot', 'docker', 'ebpf', 'lsm', 'memory', 'mount-api', 'mounts', 'namespaces', 'overlayfs', 'processes', 'seccomp', 'syscalls', 'users'];

// `watch(context, tab, complain)` reports errors of the console, and what is asked of a network.
export async function pressed(browser, book, watch) {
    const faults = [];
    for (const width of [1280, 390]) {
        const context = await browser.newContext({ viewport: { width, height: 900 }, reducedMotion: 'reduce' });
        const tab = await context.newPage();
        const at = { page: undefined };
        const complain = (what) => faults.push(`${at.page} (pressed, ${width} px): ${what}`);
        watch(context, tab, complain);
        const press = async (page, look) => {
            at.page = page;
            await tab.goto(pathToFileURL(join(book, page)).href, { waitUntil: 'load' });
            // What is waited for and does not come: one fault, and the others are looked for.
            await look().catch((error) => complain(error.message.split('\n')[0]));
        };
        for (const [page, count] of Object.entries(STEPPED)) await press(page, () => steps(tab, count, complain));
        for (const chapter of CHAPTERS) await press(`prepare/${chapter}.html`, () => questions(tab, complain));
        await press('escapes.html', () => matrix(tab, complain));
        await context.close();
    }
    await withoutScript(browser, book, faults);
    return faults;
}

const isFocused = (locator) => locator.evaluate((element) => element === document.activeElement);

async function fits(tab, complain) {
    const wide = await tab.evaluate(() => [document.documentElement, document.querySelector('.content')].some((box) => box.scrollWidth > box.clientWidth));
    if (wide) complain('the page scrolls sideways');
}

async function onPaper(tab, look) {
    await tab.emulateMedia({ media: 'print' });
    await look();
    await tab.emulateMedia({ media: null });
}

async function steps(tab, count, complain) {
    const figure = tab.locator('figure.stepped').first();
    if (await figure.count() === 0) return complain('no picture has steps');
    const said = figure.locator('.steps .said');
    const shown = () => figure.evaluate((it) => [...it.querySelectorAll('.fragment')].filter((group) => group.checkVisibility({ visibilityProperty: true })).length);
    const [back, on] = [figure.getByRole('button', { name: 'the step before' }), figure.getByRole('button', { name: 'the next step' })];
    const groups = await figure.locator('.fragment').count();
    if (await shown() !== 0) complain('its first step shows later ones');
    await onPaper(tab, async () => {
        if (await shown() !== groups) complain('on paper the picture is not whole');
        if (await said.isVisible()) complain('its buttons are on paper');
    });
    await on.focus();
    const turned = () => complain('an arrow turns the page while a picture has the focus');
    tab.once('framenavigated', turned);
    const heard = new Set([await said.textContent()]);
    for (let step = 1; step < count; step += 1) {
        await tab.keyboard.press(step % 2 ? 'ArrowRight' : 'Enter');
        heard.add(await said.textContent());
        if (!(await said.textContent()).startsWith(`${step + 1} of ${count} `)) complain(`after ${step} steps it says "${await said.textContent()}"`);
    }
    if (heard.size !== count || [...heard].some((each) => each.length < 15)) complain('not each of its steps has words of its own');
    if (await shown() !== groups) complain('its last step does not show all');
    if (await on.getAttribute('aria-disabled') !== 'true' || await back.getAttribute('aria-disabled') !== 'false') complain('at the end its buttons do not say so');
    await tab.keyboard.press('Home');
    if (await shown() !== 0) complain('Home does not lead to its first step');
    await fits(tab, complain);
    tab.off('framenavigated', turned);
}

async function questions(tab, complain) {
    const boxes = tab.locator('section.quiz');
    if (await boxes.count() !== 3) return complain(`${await boxes.count()} questions, and not three`);
    const [box, second] = [boxes.nth(0), boxes.nth(1)];
    const [field, answer] = [box.getByLabel('What do you think?'), box.locator('.answer')];
    if (await answer.isVisible()) complain('an answer is seen before it is asked for');
    if ((await box.locator('.question').textContent()).trim().length < 10) complain('a question has no words');
    await onPaper(tab, async () => {
        if (!(await answer.isVisible()) || await field.isVisible()) complain('on paper is not the answer, or the place to write');
    });
    await field.focus();
    await tab.keyboard.type('a guess');
    await tab.keyboard.press('Tab');
    if (!(await isFocused(box.getByRole('button', { name: 'Compare' })))) complain('behind the place to write is not the button');
    await tab.keyboard.press('Enter');
    if (!(await answer.isVisible()) || !(await isFocused(answer))) complain('Compare does not lead to the answer');
    if (await second.locator('.answer').isVisible()) complain('Compare unfolds an answer of another question');
    await box.getByLabel('partly').focus();
    await tab.keyboard.press('Space');
    const result = tab.locator('.quiz-result');
    if (!/Of 3 questions: partly: 1\./.test(await result.textContent())) complain(`the result is "${await result.textContent()}"`);
    await fits(tab, complain);
    await tab.reload();
    if (!/partly: 1/.test(await result.textContent()) || await field.inputValue() !== '') complain('a result is not kept, or what was written is');
    await result.getByRole('button').focus();
    await tab.keyboard.press('Enter');
    if (await result.isVisible()) complain('Clear leaves a result');
    if (!(await isFocused(field))) complain('after Clear the focus is nowhere');
    await tab.reload();
    if (await result.isVisible()) complain('what was cleared comes back');
}

async function matrix(tab, complain) {
    const drawn = tab.locator('.matrix table');
    if (await drawn.count() !== 1) return complain('there is no matrix');
    const paper = tab.locator('.matrix-paper table');
    const rows = await paper.locator('tbody tr').count();
    const escapes = drawn.locator('tr.escape');
    const shown = () => drawn.locator('tr.escape:not([hidden])').count();
    if (await escapes.count() !== rows || rows < 50) complain(`${await escapes.count()} rows, and ${rows} in the table`);
    if (await paper.isVisible()) complain('the table is there as well');
    // Each cell against the words of the table, read in another way than by the script.
    const wrong = await tab.evaluate((levels) => {
        const table = [...document.querySelectorAll('.matrix-paper tbody tr')];
        return [...document.querySelectorAll('.matrix tr.escape')].flatMap((row, index) => {
            const [, , , works, stops] = [...table[index].cells].map((cell) => cell.textContent.trim());
            const open = !/^\d\d:/.test(stops);
            const last = open ? levels - 1 : Number(stops.slice(0, 2)) - 1;
            const states = [...row.querySelectorAll('.heard')].map((cell) => cell.textContent);
            const counted = states.filter((state) => state === 'works').length;
            const first = / /.test(works) && !open ? Number(works.slice(0, 2)) : 0;
            const right = states.length === levels && counted === last - first + 1 && states[last] === 'works'
                && (open || states[last + 1].startsWith('stopped here'));
            return right ? [] : [`${row.cells[0].textContent.slice(0, 40)}: ${states}`];
        });
    }, LEVELS);
    if (wrong.length > 0) complain(`${wrong.length} rows of the matrix say something else than the table: ${wrong[0]}`);
    const box = tab.getByLabel('only what is still open');
    await box.focus();
    await tab.keyboard.press('Space');
    const open = await shown();
    if (open === 0 || open >= rows || await drawn.locator('tr.escape:not([hidden]) .stops').count() > 0) complain('the filter does not filter');
    if (!(await tab.locator('.matrix .count').textContent()).startsWith(`${open} of ${rows};`)) complain('the filter does not say how many are left');
    const button = drawn.locator('tr.escape:not([hidden]) button').first();
    const detail = drawn.locator(`[id="${await button.getAttribute('aria-controls')}"]`);
    if (await detail.isVisible()) complain('a detail is open before it is asked for');
    await button.focus();
    await tab.keyboard.press('Enter');
    if (await button.getAttribute('aria-expanded') !== 'true' || !(await detail.isVisible())) complain('a row does not open');
    if (await detail.locator('dt').count() < 3) complain('a detail is empty');
    await fits(tab, complain);
    await tab.keyboard.press('Enter');
    if (await detail.isVisible()) complain('a row does not close');
    await box.focus();
    await tab.keyboard.press('Space');
    if (await shown() !== rows) complain('without the filter not all are back');
    await onPaper(tab, async () => {
        if (!(await paper.isVisible()) || await drawn.isVisible()) complain('on paper is not the table');
    });
}

async function withoutScript(browser, book, faults) {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const tab = await context.newPage();
    const open = (page) => tab.goto(pathToFileURL(join(book, page)).href, { waitUntil: 'load' });
    const complain = (page, what) => faults.push(`${page} (no script): ${what}`);
    for (const page of Object.keys(STEPPED)) {
        await open(page);
        const groups = await tab.locator('svg[data-steps] .fragment').all();
        const visible = await Promise.all(groups.map((group) => group.isVisible()));
        if (groups.length === 0 || visible.includes(false)) complain(page, 'a picture is not whole');
    }
    await open('prepare/memory.html');
    const folded = tab.locator('details:has(> summary)');
    if (await folded.count() < 3 || await tab.locator('section.quiz').count() > 0) complain('prepare/memory.html', 'the answers do not fold');
    await open('escapes.html');
    if (!(await tab.locator('main table').first().isVisible())) complain('escapes.html', 'there is no table');
    await context.close();
}
