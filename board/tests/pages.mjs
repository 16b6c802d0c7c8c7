// Sixty learners at a real board, and two real pages that look on: the wall and the instructor's.
//
//   node board/tests/pages.mjs BOARD [SCREENSHOTS]
//
// BOARD is the program. A line for each thing that was seen; the status is non-zero if one of
// them was not as it should be. Needs docs/node_modules and /usr/bin/chromium.

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { barriersIn } from '../../docs/tests/axe.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const { chromium } = createRequire(join(root, 'docs/package.json'))('playwright-core');
const [program, screenshots] = process.argv.slice(2);
if (!program) {
    console.error('node board/tests/pages.mjs BOARD [SCREENSHOTS]');
    process.exit(125);
}

let failed = 0;
function check(name, holds, seen = '') {
    console.log(`${holds ? 'ok' : 'not ok'} ${name}`);
    if (holds) return;
    failed += 1;
    if (seen) console.log(`    ${seen}`);
}

// ---- the board, and learners who are simulated ----

const scratch = mkdtempSync(join(tmpdir(), 'board-'));
const planFile = join(scratch, 'plan.json');
writeFileSync(planFile, spawnSync(process.execPath, [join(root, 'slides/schedule.mjs'), 'full', '--start', '00:00', '--json']).stdout);

async function start(words) {
    const child = spawn(program, ['--plan', planFile, ...words], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    for await (const piece of child.stdout) {
        said += piece;
        if (said.includes('Ctrl-C ends the class')) break;
    }
    const [, port, code] = /workshop join http:\/\/\S+:(\d+)\/(\S+)/.exec(said);
    const [, token] = /\/instructor#(\S+)/.exec(said);
    return { child, port, code, token, said, ended: new Promise((resolve) => child.on('exit', resolve)) };
}

function post(port, path, message) {
    const body = JSON.stringify(message);
    return new Promise((resolve, reject) => {
        const asked = request({ host: '127.0.0.1', port, path, method: 'POST', agent: false, headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) } }, (answer) => {
            answer.resume();
            answer.on('end', () => resolve(answer.statusCode));
        });
        asked.on('error', reject);
        asked.end(body);
    });
}

const HOSTILE = [
    '<img src=x onerror=hacked=1>', '</td><script>hacked=1</script>', '"><svg onload=hacked=1>',
    'javascript:hacked=1', '&lt;b&gt;&#x3c;i', 'W'.repeat(32), 'a\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308\u0309\u030a\u030b\u030c',
    'مرحبا بالعالم', "Robert'); DROP TABLE", '${hacked=1}', '{{hacked=1}}', '__proto__',
];
const REFUSED = ['a\u202eb', 'a\u2066b', 'a\u0000b', '\u001b[31m', 'a\nb', '\u200b', 'x'.repeat(33)];

const nameOf = (index) => HOSTILE[index] ?? (index % 5 ? `Learner-${index}` : null);
function learner(code, index) {
    const told = ['fails', 'fails', 'done', 'begun', 'not-built'][index % 5];
    const level = String(index % 7).padStart(2, '0');
    return {
        code, seat: `seat${String(index).padStart(4, '0')}`, secret: `secret-less-${index}`.replaceAll('-', 'x').padEnd(20, '0'),
        name: nameOf(index), hand: index % 10 === 1, level, told, steps: 'pf-o', failing: told === 'fails' ? `${level}.2` : null,
    };
}
const SIXTY = Array.from({ length: 60 }, (_, index) => index);
const tellAll = (board) => Promise.all(SIXTY.map((index) => post(board.port, '/seat', learner(board.code, index))));

// ---- pages ----

const LIMIT = 2000;
const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    // Root, as CI is, has no other sandbox; nothing but our own pages is opened.
    args: process.getuid() === 0 ? ['--no-sandbox'] : [],
});
const complaints = [];
async function open(path, port, { width = 1280, colorScheme = 'light' } = {}) {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, reducedMotion: 'reduce' });
    const tab = await context.newPage();
    tab.on('request', (asked) => {
        const { host, protocol } = new URL(asked.url());
        if (protocol !== 'data:' && host !== `127.0.0.1:${port}`) complaints.push(`asks for ${asked.url()}`);
    });
    tab.on('console', (message) => message.type() === 'error' && complaints.push(`console: ${message.text()}`));
    tab.on('pageerror', (error) => complaints.push(`script: ${error.message}`));
    await tab.goto(`http://127.0.0.1:${port}${path}`);
    return tab;
}
// A page that is in this state, and has so many seats.
const shows = (tab, seats, timeout = 30_000) => tab.waitForFunction(
    (seats) => document.documentElement.dataset.state === 'live' && document.querySelector('#sums').textContent.startsWith(`${seats} seat`),
    seats, { timeout });

let board;
try {
    board = await start(['--port', '0']);
    const wall = await open(`/${board.code}`, board.port);
    const instructor = await open(`/instructor#${board.token}`, board.port);
    await Promise.all([shows(wall, 0), shows(instructor, 0)]);
    check('the token is not left in the address', !instructor.url().includes(board.token), instructor.url());

    const began = performance.now();
    const statuses = await tellAll(board);
    check('sixty learners at once are taken', statuses.every((status) => status === 204), String(statuses));
    const arrived = await Promise.all([wall, instructor].map((tab) => shows(tab, 60, LIMIT))).then(() => true, (error) => error.message);
    check(`and seen within 2 s on both pages (${Math.round(performance.now() - began)} ms)`, arrived === true, String(arrived));

    // ---- what is seen ----

    const rows = await instructor.locator('#seats tbody tr').count();
    check('the instructor sees sixty seats', rows === 60, String(rows));
    const who = (await instructor.locator('#seats tbody bdi').allTextContents()).sort();
    check('each by the name that was sent, letter for letter', JSON.stringify(who) === JSON.stringify(SIXTY.map(nameOf).filter((name) => name !== null).sort()), JSON.stringify(who));
    const troubles = await instructor.locator('#seats tbody td:nth-child(4)').allTextContents();
    const firstWell = troubles.findIndex((text) => !/^(fails|does not)/.test(text));
    check('those in trouble come first', firstWell === 36 && troubles.slice(36).every((text) => !/^(fails|does not)/.test(text)), `${firstWell} ${troubles}`);
    const raised = await instructor.locator('#raised li').count();
    check('the raised hands have a list of their own', raised === 6, String(raised));
    const places = await instructor.locator('#places h3').allTextContents();
    check('it says how many fail where', places.some((text) => /^\d+ of 60 fail at 02 step 2$/.test(text)), String(places));
    const article = instructor.locator('#places article', { hasText: 'at 02 step 2' });
    check('with the words of the step', (await article.textContent()).includes('Make every mount in the copy private'));
    await article.locator('summary').click();
    check('and what goes wrong in the level', (await article.locator('dd').allTextContents()).some((text) => text.includes('findmnt')));

    const dom = await wall.evaluate(() => document.documentElement.outerHTML + JSON.stringify(document.querySelector('main').innerText));
    const names = SIXTY.map(nameOf).filter((name) => name !== null);
    const told = names.filter((name) => dom.includes(name) || dom.includes(name.replaceAll('<', '&lt;').replaceAll('>', '&gt;')));
    check('the wall has no name in its DOM', told.length === 0, String(told));
    check('and no seat', !dom.includes('seat0') && !dom.includes('seat-0'));
    check('it counts the levels', (await wall.locator('#levels tbody tr').count()) === 7);
    check('it shows how to join, with the code', (await wall.locator('#command').textContent()).endsWith(`/${board.code}`));
    check('and the plan of the day', /^(level \d\d, |break|lunch|Full day is over|[A-Z])/.test(await wall.locator('#now').textContent()), await wall.locator('#now').textContent());

    // ---- hostile names ----

    const harm = await instructor.evaluate(() => ({
        ran: typeof window.hacked !== 'undefined', elements: document.querySelectorAll('img, svg, script:not([src]), b, i').length,
        scripts: document.scripts.length, tall: Math.max(...[...document.querySelectorAll('#seats bdi')].map((it) => it.getBoundingClientRect().height)),
    }));
    check('hostile names are text and nothing else', !harm.ran && harm.elements === 0 && harm.scripts === 1 && harm.tall < 60, JSON.stringify(harm));
    const refused = [];
    for (const name of REFUSED) refused.push(await post(board.port, '/seat', { ...learner(board.code, 0), name }));
    check('names that hide or turn are refused', refused.every((status) => status === 400), String(refused));
    check('a style or a script that is not ours does not run', await instructor.evaluate(() => {
        const script = document.createElement('script');
        script.textContent = 'window.inline = 1';
        document.head.append(script);
        return typeof window.inline === 'undefined';
    }));
    // The browser has said so in its console, which is not a fault.
    complaints.splice(0, complaints.length, ...complaints.filter((it) => !/Content Security Policy/.test(it)));

    // ---- everybody can read it ----

    for (const [view, path] of [['wall', `/${board.code}`], ['instructor', `/instructor#${board.token}`]]) {
        for (const colorScheme of ['light', 'dark']) {
            for (const width of [1280, 390]) {
                const tab = await open(path, board.port, { width, colorScheme });
                await shows(tab, 60);
                const barriers = await barriersIn(tab);
                check(`axe has nothing against the ${view}, ${colorScheme}, ${width} px`, barriers.length === 0, barriers.join('\n    '));
                const [content, page] = await tab.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
                check(`and it does not scroll sideways`, content <= page, `${content} > ${page}`);
                if (screenshots) {
                    mkdirSync(screenshots, { recursive: true });
                    await tab.screenshot({ path: join(screenshots, `board-${view}-${colorScheme}-${width}.png`), fullPage: true });
                }
                await tab.context().close();
            }
        }
    }

    // ---- a wrong code, and a restart in the middle ----

    const stranger = await open('/00000000', board.port);
    await stranger.waitForFunction(() => document.documentElement.dataset.state === 'closed');
    check('a wrong code is told, and shows nothing', !(await stranger.locator('#levels').isVisible()));
    await stranger.context().close();
    // What the browser says of it in its console is what was to be.
    complaints.splice(0, complaints.length, ...complaints.filter((it) => !/403/.test(it)));

    board.child.kill('SIGKILL');
    await board.ended;
    const isAway = (tab) => tab.waitForFunction(() => document.documentElement.dataset.state === 'away', null, { timeout: 30_000 });
    await Promise.all([isAway(wall), isAway(instructor)]);
    check('a board that has gone is told on both pages', true);
    const again = await start(['--port', board.port, '--code', board.code]);
    check('started again it has the same code', again.code === board.code);
    board = again;
    await tellAll(board);
    await shows(wall, 60);
    const anew = await open(`/instructor#${board.token}`, board.port);
    await shows(anew, 60);
    check('a restart loses nobody, and the wall comes back by itself', (await anew.locator('#seats tbody tr').count()) === 60);
    await instructor.waitForFunction(() => document.documentElement.dataset.state === 'closed', null, { timeout: 30_000 });
    check('and the old token is worth nothing', true);

    await post(board.port, '/leave', learner(board.code, 7));
    await shows(anew, 59);
    check('who leaves is gone from the page', !(await anew.locator('#seats').textContent()).includes('Learner-7 '));
    // A board that is away is told in the console as well, and so is a token that is none.
    const others = complaints.filter((it) => !/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET|403/.test(it));
    check('no request has left the machine, and no script has failed', others.length === 0, [...new Set(others)].join('\n    '));
} catch (error) {
    check('the pages do what is asked of them', false, error.stack);
} finally {
    board?.child.kill('SIGTERM');
    await browser.close();
    rmSync(scratch, { recursive: true });
}
console.log(failed === 0 ? 'the pages are as they should be' : `${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
