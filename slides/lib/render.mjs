// Turns sections into one HTML page that needs nothing beside it: style, fonts, scripts
// and pictures are inside, so that it opens from a file system without network.
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import hljs from 'highlight.js/lib/core';
import rust from 'highlight.js/lib/languages/rust';
import { Marked } from 'marked';
import { cuts } from './cuts.mjs';
import * as day from './day.mjs';
import { PLANS, readDeck, repository, slidesDir } from './deck.mjs';
import { letters } from './letters.mjs';
import { besideLevel } from './parts.mjs';
import { SLOTS, plan } from './plan.mjs';
import { xray } from './xray.mjs';

hljs.registerLanguage('rust', rust);
const read = (...parts) => readFileSync(join(...parts), 'utf8');
/** What is around a picture that stands alone: see curriculum/src/book/pictures.rs. */
const MARGIN = 16;
const escape = (text) => text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);

/** A picture of docs/src/pictures, inside the page so that its groups can be fragments. What it
    has for where it stands alone stays out: its margin, its title, its style. */
export function picture(path, description) {
  const svg = read(slidesDir, 'deck', path);
  const name = basename(path, '.svg');
  const [x, y, width, height] = /viewBox="([^"]*)"/.exec(svg)[1].split(' ').map(Number);
  const drawing = svg.slice(svg.indexOf('</style>') + '</style>'.length)
    .replaceAll(/( id="|url\(#)/g, `$1${name}-`).trim();
  return `<figure class="picture"><svg viewBox="${x + MARGIN} ${y + MARGIN} ${width - 2 * MARGIN} ${height - 2 * MARGIN}" role="img" aria-label="${escape(description)}">\n${drawing}</figure>`;
}

/** A transcript: what is typed stands out from what is answered. */
export function transcript(text) {
  return text.split('\n').map((line) => {
    const [, prompt, command] = /^(host\$ |\$ |> )(.*)$/.exec(line) ?? [];
    return prompt ? `<span class="prompt">${escape(prompt)}</span><b>${escape(command)}</b>` : `<i>${escape(line)}</i>`;
  }).join('\n');
}

/** A piece out of the middle of a file begins at the left edge. */
function dedent(text) {
  const lines = text.split('\n');
  const depth = Math.min(...lines.filter((line) => line.trim() && line.trim() !== '…').map((line) => line.search(/\S/)));
  return lines.map((line) => line.replace(new RegExp(`^ {0,${depth}}`), '')).join('\n');
}

const marked = new Marked({
  renderer: {
    code({ text: written, lang }) {
      const text = dedent(written);
      const [language, file] = (lang ?? '').split(/\s+/);
      const source = file?.startsWith('file=') ? `<figcaption>${escape(file.slice(5))}</figcaption>` : '';
      const inside = language === 'rust' ? hljs.highlight(text, { language }).value
        : language === 'console' ? transcript(text) : escape(text);
      const short = Math.max(...text.split('\n').map((line) => line.length)) <= 67 && text.split('\n').length <= 8;
      return `<figure class="code ${escape(language)}${short ? ' short' : ''}"><pre><code>${inside}</code></pre>${source}</figure>\n`;
    },
    paragraph({ tokens }) {
      const only = tokens.length === 1 && tokens[0].type === 'image' ? tokens[0] : undefined;
      if (only?.href.endsWith('.json')) return `${xray(only.href, only.text, { highlight: (line) => hljs.highlight(line, { language: 'rust' }).value, dedent })}\n`;
      const image = only?.href.endsWith('.svg') ? only : undefined;
      return image ? `${picture(image.href, image.text)}\n` : `<p>${this.parser.parseInline(tokens)}</p>\n`;
    },
  },
});

/** A mark for each level of the part: those that are done, this one, and those to come. */
function levels(now) {
  const marks = besideLevel(now).map((level) => `<i${level < now ? ' class="done"' : level === now ? ' class="now"' : ''}></i>`);
  return `<span class="levels">${marks.join('')}</span>`;
}

/** "Your turn: 18 minutes" are fewer where the plan has fewer. */
const turn = ({ exercise }, body) => body.replace(/^(## Your turn: )(\d+)(?= minutes$)/m, `$1<span data-two-hours="${exercise['two-hours']}">$2</span>`);

function slide(section, { body, notes, minutes }) {
  const [, attributes = ''] = /<!-- *\.slide: *(.*?) *-->/.exec(body) ?? [];
  const place = section.level ? `<b>${section.level}</b> ${escape(section.title)}` : escape(section.title);
  // The speaker's window says who is in time; the learners' turn is a part of it.
  const seconds = (plan) => 60 * ((minutes ?? 1) + (/\btask\b/.test(attributes) ? section.exercise[plan] : 0));
  return `<section data-timing="${seconds('full')}" data-timing-two-hours="${seconds('two-hours')}" ${attributes}>
<div class="slide">
<div class="body">
${marked.parse(turn(section, body.replace(/<!-- *\.slide:.*?-->/, '')))}</div>
<footer>${place}${section.level ? levels(Number(section.level)) : ''}</footer>
</div>
<aside class="notes">${marked.parse(notes)}</aside>
</section>`;
}

/** The day that a page without ?start= is for. */
const START = '09:00';

/** A slide for each pause behind a section, in whichever plan. It has no number: the plans' pauses
    are in different places. Without a script it says the plan's time. */
function pauses(section, plans) {
  return PLANS.filter((name) => SLOTS[name].pauses[section.id]).map((name) => {
    const { title, minutes } = SLOTS[name].pauses[section.id];
    const { rows } = plans[name];
    const { begin } = rows[rows.findIndex((row) => row.section === section.id) + 1];
    const list = plans[name].cuts.map(({ say, wins }) => `<li>${escape(say)}: ${wins} minutes</li>`).join('');
    return `<section class="statement pause" data-pause-of="${name}" data-begin="${begin}" data-minutes="${minutes}" data-timing="${60 * minutes}">
<div class="slide">
<div class="body"><p class="big">Back at <time>${day.clock(START, begin + minutes)}</time></p><p class="left">${minutes} minutes</p></div>
<footer>${title[0].toUpperCase()}${title.slice(1)}</footer>
</div>
<aside class="notes"><p>Leave this slide on the wall. Ask the helpers who is stuck, and in which step; open a window; eat something yourself.</p><p>When the room is late, cut in this order, of what is still to come:</p><ol>${list}</ol></aside>
</section>`;
  }).join('\n');
}

/** What the page has to know of the plans. */
function planned() {
  const whole = readDeck();
  return Object.fromEntries(PLANS.map((name) => {
    const { slot, rows } = plan(name, whole);
    return [name, {
      slot,
      rows: rows.map(({ section, title, begin, latest }) => ({ section, title, begin, latest })),
      cuts: cuts(name, whole).map(({ section, wins, say }) => ({ section, wins, say })),
    }];
  }));
}

/** The whole page. */
export function page(sections) {
  const reveal = join(slidesDir, 'node_modules', 'reveal.js', 'dist');
  const script = (text) => `<script>${text.replaceAll('</script', '<\\/script')}</script>`;
  const plans = planned();
  const deck = sections.map((section) => `<section id="${section.id}" data-plans="${section.plans.join(' ')}">
${[...section.slides.map((each) => slide(section, each)), pauses(section, plans)].join('\n')}
</section>`).join('\n');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Rubber Docker in Rust</title>
<link rel="icon" href="data:,">
<style>${read(reveal, 'reset.css')}
${read(reveal, 'reveal.css')}
${letters(deck)}
${read(repository, 'docs', 'theme', 'house.css')}
${read(slidesDir, 'theme', 'theme.css')}
${read(slidesDir, 'theme', 'code.css')}
${read(repository, 'docs', 'theme', 'pictures.css')}
${read(slidesDir, 'theme', 'pictures.css')}
${read(slidesDir, 'theme', 'xray.css')}
${read(slidesDir, 'theme', 'print.css')}</style>
</head>
<body>
<div class="reveal"><div class="slides">
${deck}
</div></div>
<script type="application/json" id="plans">${JSON.stringify(plans).replaceAll('<', '\\u003c')}</script>
${script(read(reveal, 'reveal.js'))}
${script(read(reveal, 'plugin', 'notes.js'))}
${script(`${Object.values(day).join('\n')}\n${read(slidesDir, 'theme', 'day.js')}`)}
${script(read(slidesDir, 'theme', 'start.js'))}
</body>
</html>
`;
}
