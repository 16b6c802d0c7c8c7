// Reads the deck: a file of slides/deck is a section, `---` separates its slides,
// and what follows `Note:` in a slide is for the speaker.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const slidesDir = fileURLToPath(new URL('..', import.meta.url));
export const repository = join(slidesDir, '..');
export const PLANS = ['full', 'half', 'two-hours', 'harden'];

const KEYS = new Set(['title', 'level', 'talk', 'exercise', 'exercise-two-hours', 'plans']);

/** All sections in order, or the one named `only` (`16-pid`). */
export function readDeck(only, folder = join(slidesDir, 'deck')) {
  const files = readdirSync(folder).filter((name) => name.endsWith('.md')).sort();
  const wanted = only ? files.filter((name) => basename(name, '.md') === only) : files;
  if (wanted.length === 0) {
    throw new Error(`no section ${only ?? ''} in ${folder}; there are: ${files.map((name) => basename(name, '.md')).join(' ')}`);
  }
  return wanted.map((name) => readSection(basename(name, '.md'), readFileSync(join(folder, name), 'utf8')));
}

/** Parses one file; an error names the file and what to do. */
export function readSection(id, text) {
  const lines = text.split('\n');
  const end = lines.indexOf('---', 1);
  if (lines[0] !== '---' || end < 0) {
    throw new Error(`deck/${id}.md: begins with front matter between two lines ---`);
  }
  const front = {};
  for (const line of lines.slice(1, end)) {
    const [, key, value] = /^([a-z-]+): *(.*?) *(?:#.*)?$/.exec(line) ?? [];
    if (!KEYS.has(key)) throw new Error(`deck/${id}.md: "${line}" in the front matter; known: ${[...KEYS].join(', ')}`);
    front[key] = value;
  }
  const minutes = (key) => {
    if (!/^\d+$/.test(front[key] ?? '')) throw new Error(`deck/${id}.md: ${key} is a number of minutes`);
    return Number(front[key]);
  };
  const plans = (front.plans ?? '').split(/\s+/).filter(Boolean);
  const unknown = plans.find((plan) => !PLANS.includes(plan));
  if (unknown) throw new Error(`deck/${id}.md: no plan "${unknown}"; known: ${PLANS.join(' ')}`);
  const exercise = { full: minutes('exercise'), half: minutes('exercise'), harden: minutes('exercise') };
  exercise['two-hours'] = 'exercise-two-hours' in front ? minutes('exercise-two-hours') : exercise.full;
  return {
    id, plans, exercise,
    title: front.title ?? id,
    level: front.level,
    talk: minutes('talk'),
    slides: splitSlides(lines.slice(end + 1)).map((slide, index) => ({ ...slide, name: `${id} slide ${index + 1}` })),
  };
}

function splitSlides(lines) {
  const slides = [[]];
  let fence = false;
  for (const line of lines) {
    if (line.startsWith('```')) fence = !fence;
    if (line === '---' && !fence) slides.push([]);
    else slides.at(-1).push(line);
  }
  return slides.map((slide) => {
    const note = slide.indexOf('Note:');
    const body = slide.slice(0, note < 0 ? undefined : note).join('\n').trim();
    const notes = note < 0 ? '' : slide.slice(note + 1).join('\n').trim();
    const minutes = /^Minutes: *(\d+)$/m.exec(notes);
    return { body, notes, minutes: minutes ? Number(minutes[1]) : undefined };
  });
}

/** The fences of a text: `{ language, attributes, lines }`. */
export function fences(text) {
  const found = [];
  let open;
  for (const line of text.split('\n')) {
    const mark = /^\s*```(.*)$/.exec(line);
    if (!mark) open?.lines.push(line);
    else if (open) open = undefined;
    else {
      const [language, ...attributes] = mark[1].trim().split(/\s+/);
      open = { language, attributes: attributes.join(' '), lines: [] };
      found.push(open);
    }
  }
  return found;
}
