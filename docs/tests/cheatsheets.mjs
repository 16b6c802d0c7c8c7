// What a cheat sheet names is there: calls, flags, files and errors in the code, commands in a transcript
// that the tests run.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (...path) => readFileSync(join(root, ...path), 'utf8');
const sources = (directory) => readdirSync(join(root, directory), { recursive: true })
    .filter((name) => name.endsWith('.rs')).map((name) => read(directory, name)).join('\n');

export function cheatSheetFaults() {
    const sheets = join('docs', 'src', 'cheatsheets');
    const calls = sources('linux-sys/src');
    const errors = explained();
    const code = calls + sources('given/src') + sources('levels/complete/src') + sources('levels/harden/src');
    const names = readdirSync(join(root, sheets)).sort();
    const levels = readdirSync(join(root, 'levels')).filter((name) => /^\d\d_/.test(name));
    const faults = levels.filter((level) => !names.includes(`${level.slice(0, 2)}.md`)).map((level) => `${level} has no cheat sheet`);
    for (const name of names) {
        const complain = (what) => faults.push(`${join(sheets, name)}: ${what}`);
        const level = levels.find((each) => each.startsWith(name.slice(0, 2)));
        if (!level) { complain('there is no such level'); continue; }
        const sheet = read(sheets, name);
        const title = /^title = "(.*)"$/m.exec(read('levels', level, 'level.toml'))[1];
        if (!sheet.startsWith(`# Cheat sheet ${name.slice(0, 2)}: ${title}\n`)) complain(`the level is called "${title}"`);

        const spans = [...sheet.matchAll(/`([^`]+)`/g)].map(([, span]) => span.replaceAll('\\|', '|'));
        for (const span of spans) {
            const call = /^([a-z]\w*)\(/.exec(span)?.[1];
            if (call && !new RegExp(`\\bfn ${call}\\b`).test(code)) complain(`there is no function ${call}`);
            for (const [flag] of span.matchAll(/\b(?:MS|MNT|CLONE|S|AF|SOCK|IFF)_[A-Z]+\b/g)) {
                if (!new RegExp(`\\b${flag}\\b`).test(code)) complain(`there is no flag ${flag}`);
            }
            const file = /^((?:memory|cpu)\.[a-z_.]+)$/.exec(span)?.[1];
            if (file && !code.includes(`"${file}"`) && ![read('levels', level, 'README.md'), read('docs', 'src', 'sources.md')].some((text) => text.includes(`\`${file}\``))) complain(`neither the code nor the lesson nor its sources have ${file}`);
        }
        for (const [capability] of sheet.matchAll(/\bCAP_[A-Z_]+\b/g)) {
            if (!code.includes(capability)) complain(`there is no ${capability}`);
        }
        for (const [, call, errno] of sheet.matchAll(/^\| `(\w+)`: (E[A-Z0-9]+) \|/gm)) {
            if (!meanings(errors, call).includes(errno)) complain(`${call} has no ${errno} that linux-sys would explain`);
        }

        const typed = transcripts(level);
        const look = /\n## Look\n([^]*?)\n## /.exec(sheet)[1];
        for (const [, command] of look.matchAll(/`([^`]+)`/g)) {
            if (/\s/.test(command) && !typed.some((line) => line.includes(command))) complain(`no transcript that is run has this: ${command}`);
        }
    }
    return faults;
}

// The tables of errors in linux-sys, as text.
export const explained = () => sources('linux-sys/src/explain');

// The explained errors of a call: its rows in the tables of linux-sys, and a list that it shares.
export function meanings(errors, call) {
    const [table, name] = {
        set_pdeathsig: ['DeathSignal'], capbset_drop: ['BoundingSet'], capbset_read: ['BoundingSet'], siocgifflags: [undefined, 'ioctl'], siocsifflags: [undefined, 'ioctl'],
    }[call] ?? [undefined, call];
    if (table) return [...errors.matchAll(new RegExp(`${table},\\s*(E[A-Z0-9]+)`, 'g'))].map(([, errno]) => errno);
    const [, rows = ''] = new RegExp(`(?:(?:call|of_a_terminal)\\(\\s*|name: )"${name}",([^]*?)(?:\\b(?:call|of_a_terminal)\\(|\\bCall \\{|\\n\\];)`).exec(errors) ?? [];
    const shared = [...rows.matchAll(/\b([A-Z]{4,})[,)]/g)].map(([, list]) => new RegExp(`const ${list}: &\\[Meaning\\] = ([^]*?)\\n\\];`).exec(errors)?.[1] ?? '');
    return [...(rows + shared.join('')).matchAll(/,\s*(E[A-Z0-9]+),/g)].map(([, errno]) => errno);
}

// What is typed in the lesson of a level.
function transcripts(level) {
    const readme = read('levels', level, 'README.md');
    return [...readme.matchAll(/```console(?! skip)[^\n]*\n([^]*?)```/g)].flatMap(([, fence]) => fence.split('\n'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const faults = cheatSheetFaults();
    for (const fault of faults) console.error(fault);
    process.exit(faults.length === 0 ? 0 : 1);
}
