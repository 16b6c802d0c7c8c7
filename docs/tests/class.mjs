// What the pages for a class say is so: a command that they name is run by some test, an error on the
// helper's card is one that linux-sys explains for that call.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { executedCommands } from '../../slides/lib/text.mjs';
import { explained, meanings } from './cheatsheets.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (...path) => readFileSync(join(root, ...path), 'utf8');
const PAGES = join('docs', 'src', 'class');

// Commands that no transcript can have: what they print is another thing each time, or they take a
// network, or a terminal. Each with the test that runs it, and how that test says it.
const ELSEWHERE = [
    [/^cargo workshop (doctor|check 00|hint|solution|report|clean|trace|reset)( NN)?( -- true)?$/, 'workshop/tests/new_user.rs', (verb) => `"cargo workshop ${verb}`],
    [/^cargo workshop (xray)( NN)?$/, 'workshop/tests/xray.rs', () => '"xray"'],
    [/^cargo workshop (begin) --part 2$/, 'workshop/tests/begin.rs', () => '"begin", "--part", "2"'],
    [/^cargo workshop clean (--dry-run)$/, 'workshop/tests/full_disk.rs', () => '"--dry-run"'],
    [/^cargo workshop doctor (--json)$/, 'workshop/tests/doctor.rs', () => '"--json"'],
    [/^cargo workshop (hand)$/, 'workshop/tests/board.rs', () => '"hand"'],
    [/^cargo workshop (board)$/, '.ci/board.sh', () => 'board'],
    [/^cargo build (--workspace)$/, '.ci/run', () => 'cargo build -q --workspace'],
    [/^npm run schedule -- (half) --start 13:30$/, 'slides/test/schedule.test.mjs', () => "'half', '--start', '13:30'"],
    [/^git (clone) ADDRESS rubber-docker$/, 'workshop/tests/new_user.rs', () => '"clone", '],
];

// `span`s that begin like these are commands.
const PROGRAMS = /^(?:cargo|git|npm|sudo|vagrant|packer|rustup|strace|findmnt|dd|nsenter|unshare|tmux|kill|pgrep|mount|ps|sysctl)\s/;

export function classFaults() {
    const executed = [...executedCommands()];
    const faults = [];
    for (const name of readdirSync(join(root, PAGES)).sort()) {
        const complain = (what) => faults.push(`${join(PAGES, name)}: ${what}`);
        const page = read(PAGES, name);
        for (const command of commands(page)) {
            if (executed.some((line) => line.includes(command))) continue;
            const [pattern, test, said] = ELSEWHERE.find(([pattern]) => pattern.test(command)) ?? [];
            if (!pattern) complain(`no test runs this: ${command}`);
            else if (!read(test).includes(said(pattern.exec(command)[1]))) complain(`${test} no longer runs this: ${command}`);
        }
        for (const [, kind] of page.matchAll(/^```(?!console (?:before|after)$|text$)(.+)$/gm)) complain(`a fence is console, which is run, or text, and not ${kind}`);
    }
    return [...faults, ...cardFaults()];
}

// The lines of console fences run by themselves. In a text, and in a sentence, it is what begins with a program.
function commands(page) {
    const texts = [...page.matchAll(/^```text\n([^]*?)^```$/gm)].flatMap(([, text]) => text.split('\n'))
        .map((line) => line.trim().replace(/^\d+\.? +/, '').replace(/, and .*$/, ''));
    const spans = [...page.replaceAll(/^```[^]*?^```$/gm, '').matchAll(/`([^`]+)`/g)].map(([, span]) => span);
    return [...texts, ...spans].filter((each) => PROGRAMS.test(each));
}

// "`EINVAL` from pivot_root": the errors are those that a learner sees explained.
function cardFaults() {
    const errors = explained();
    const card = join(PAGES, 'helpers.md');
    const rows = [...read(card).matchAll(/^\| (\d\d) \| (.*?) \|/gm)];
    const order = rows.map(([, level]) => level);
    const named = rows.flatMap(([, level, seen]) => [...seen.matchAll(/`(E[A-Z0-9]+)` from (\w+)/g)].map(([, errno, call]) => ({ level, errno, call })));
    return [
        ...order.join() === [...order].sort().join() ? [] : [`${card}: its levels are not in their order`],
        ...named.length >= 15 ? [] : [`${card}: ${named.length} errors are named with the call that they are from; the card has lost some`],
        ...named.filter(({ errno, call }) => !meanings(errors, call).includes(errno)).map(({ level, errno, call }) => `${card}: level ${level}: linux-sys does not explain ${errno} of ${call}`),
    ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const faults = classFaults();
    for (const fault of faults) console.error(fault);
    process.exit(faults.length === 0 ? 0 : 1);
}
