// What can be said of a section without looking at it: each function returns a list of
// complaints, empty if all is well.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fences, repository } from './deck.mjs';

/** Every slide has notes with minutes, and they add up to the section's talk. */
export function notes({ id, slides, talk }) {
  const missing = slides.flatMap(({ name, notes, minutes }) => [
    ...notes.replace(/^Minutes:.*$/m, '').trim() ? [] : [`${name}: no notes for the speaker (a line "Note:" and text below it)`],
    ...minutes === undefined ? [`${name}: its notes have no line "Minutes: N"`] : [],
  ]);
  const sum = slides.reduce((total, { minutes = 0 }) => total + minutes, 0);
  return sum === talk || slides.some(({ minutes }) => minutes === undefined) ? missing : [...missing, `${id}: its slides' minutes are ${sum}, and talk in the front matter is ${talk}`];
}

/** Where there is an exercise, one slide of the class `task` says how long it is. */
export function turns({ id, slides, exercise }) {
  const tasks = slides.filter(({ body }) => /<!-- *\.slide:[^>]*\btask\b/.test(body));
  const said = tasks.map(({ body }) => Number(/^## Your turn: (\d+) minutes$/m.exec(body)?.[1]));
  const wanted = exercise.full ? [exercise.full] : [];
  return said.join() === wanted.join() ? []
    : [`${id}: an exercise of ${exercise.full} minutes has one slide of the class task, with the heading "## Your turn: ${exercise.full} minutes"; here: ${said.join(', ') || 'none'}`];
}

/** The second day is one story: what ends a level leads to the next one. */
export function bridges(sections) {
  return sections.slice(0, -1).flatMap(({ id, slides }, index) => {
    const { level } = sections[index + 1];
    const leads = new RegExp(`\\bnext\\s+level\\b|\\blevel ${level}\\b`);
    return leads.test(slides.at(-1).notes) ? [] : [`${id}: the notes of its last slide do not lead to the next level, ${level}`];
  });
}

/** Code with `file=` is in that file: its lines in order, without a gap unless a line is `…`. */
export function snippets({ slides }) {
  return slides.flatMap(({ name, body, notes }) => fences(`${body}\n${notes}`)
    .filter(({ language }) => language === 'rust')
    .flatMap(({ attributes, lines }) => {
      const file = /^file=(\S+)$/.exec(attributes)?.[1];
      if (!file) return [`${name}: a rust fence says where its code is from: file=levels/NN_name/src/x.rs (else it is a text fence)`];
      if (!existsSync(join(repository, file))) return [`${name}: there is no ${file}`];
      const stray = strayLine(lines, readFileSync(join(repository, file), 'utf8').split('\n'));
      return stray === undefined ? [] : [`${name}: not in ${file} today: ${stray}`];
    }));
}

/** The first line of `snippet` that has no place in `source`, or undefined. */
function strayLine(snippet, source) {
  const code = source.map((line) => line.trim());
  let from = 0;
  for (const piece of pieces(snippet.map((line) => line.trim()))) {
    const fits = (at) => piece.every((line, index) => code[at + index] === line);
    let at = from;
    while (at < code.length && !fits(at)) at += 1;
    if (at >= code.length) return piece.find((line) => !code.includes(line)) ?? `${piece[0]} (its lines are there, not in this order)`;
    from = at + piece.length;
  }
  return undefined;
}

/** What stands between lines `…`, without the empty lines around it. */
function pieces(lines) {
  const found = [[]];
  for (const line of lines) {
    if (line === '…') found.push([]);
    else found.at(-1).push(line);
  }
  return found.map((piece) => piece.join('\n').trim()).filter(Boolean).map((piece) => piece.split('\n'));
}

// Not in a transcript that is run, since each would run the transcripts, or runs in a test of its own;
// the last as an ordinary user, which a check of level 20 is.
const ELSEWHERE = /^cargo (test( -p (level\d\d|rd))?|workshop (check \d\d|clean|doctor)|run -q -p level20 -- run true)$/;
const TYPED = /^(?:host)?\$ (.*)$|^(> .*)$/;

/** Every line that somebody types is in a transcript that the tests run. */
export function commands({ slides }, executed = executedCommands()) {
  return slides.flatMap(({ name, body, notes }) => fences(`${body}\n${notes}`)
    .filter(({ language }) => language === 'console')
    .flatMap(({ lines }) => lines.map((line) => TYPED.exec(line)).filter(Boolean))
    .map(([, first, continued]) => first ?? continued)
    .filter((command) => !ELSEWHERE.test(command) && !executed.has(command))
    .map((command) => `${name}: no transcript that is run has this line: ${command}`));
}

/** The typed lines of all console fences that the tests run: lessons, README and book. */
export function executedCommands() {
  const book = join(repository, 'docs', 'src');
  const files = [
    join(repository, 'README.md'),
    ...readdirSync(join(repository, 'levels')).map((level) => join(repository, 'levels', level, 'README.md')).filter(existsSync),
    ...existsSync(book) ? readdirSync(book, { recursive: true }).filter((name) => name.endsWith('.md')).map((name) => join(book, name)) : [],
  ];
  const lines = files.flatMap((file) => fences(readFileSync(file, 'utf8')))
    .filter(({ language, attributes }) => language === 'console' && !attributes.startsWith('skip'))
    .flatMap((fence) => fence.lines);
  return new Set(lines.map((line) => TYPED.exec(line.trim())).filter(Boolean).map(([, first, continued]) => first ?? continued));
}

const levelFolder = (level) => readdirSync(join(repository, 'levels')).find((name) => name.startsWith(`${level}_`));
const FILE = /^[\w-][\w./-]*\.(rs|md|sh|toml|lock|patch)$/;

/** A TODO that is named is in its level, and a file that is named exists. */
export function names({ level, slides }) {
  return slides.flatMap(({ name, body, notes }) => {
    const text = `${body}\n${notes}`;
    const todos = [...text.matchAll(/TODO\((\d\d)\)(?: (\d+))?/g)].filter(([, number, step]) => !hasTodo(number, step))
      .map(([todo]) => `${name}: no file of that level has "${todo}"`);
    const roots = ['.', ...level && levelFolder(level) ? [join('levels', levelFolder(level))] : []];
    const files = [...text.matchAll(/`([^`\s]+)`/g)].map(([, word]) => word)
      .filter((word) => FILE.test(word) && !roots.some((root) => [word, join('src', word)].some((path) => existsSync(join(repository, root, path)))))
      .map((word) => `${name}: there is no file ${word}, neither in the repository's root nor in the section's level`);
    return [...todos, ...files];
  });
}

/** Whether a level has a TODO, or one of its steps. */
export function hasTodo(number, step) {
  const folder = levelFolder(number);
  if (!folder) return false;
  const source = join(repository, 'levels', folder, 'src');
  const wanted = step ? `TODO(${number}) ${step}.` : `TODO(${number})`;
  return readdirSync(source).some((file) => readFileSync(join(source, file), 'utf8').includes(wanted));
}
