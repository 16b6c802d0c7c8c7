// The page: which step is shown, and how one comes to another.

import { html, nothing, render } from 'lit-html';
import * as keys from './keys.js';
import * as print from './print.js';
import { moments as momentsOf, read, storeOf } from './record.js';
import { numbers, sentence, stepView } from './step.js';
import * as theme from './theme.js';
import { changed, groupsOf, timelineView } from './timeline.js';

const record = read(document.querySelector('#record').textContent);
const moments = momentsOf(record);
const store = storeOf(record);
const files = new Map(Object.entries(record.files ?? {}).map(([file, text]) => [file, text.split('\n')]));
const open = new Set();
const changes = new Map();
const narrow = matchMedia('(max-width: 60rem)');
// Nothing plays unless it is told to, and nothing moves from one place to another: readers who
// want little motion have it.
const PACE = 1800;

let at = 0;
let playing;
let listIsOpen = false;

const context = {
  argv: record.argv,
  total: record.steps.length,
  capabilities: record.capabilities,
  open,
  keep: (id, isOpen) => (isOpen ? open.add(id) : open.delete(id)),
  short: (text) => (store ? text.replaceAll(`${store}/`, '…/') : text),
  lines: (file) => files.get(file) ?? [],
  blocks: (file) => record.blocks?.[file] ?? [],
  role: (who) => ({ p1: ', the level', p2: ', its child' })[who] ?? '',
  changed(moment) {
    if (!changes.has(moment)) changes.set(moment, changed(moment, context));
    return changes.get(moment);
  },
};
const groups = groupsOf(moments, context);
const title = record.argv.join(' ');

function end() {
  const { status, signal, cut, left } = record.end ?? {};
  const how = status !== undefined ? `exited with status ${status}` : signal !== undefined ? `ended by signal ${signal}` : `cut off: ${cut ?? 'the record is not complete'}`;
  return `${how}${left ? `; still running then: ${left.join(', ')}` : ''}`;
}

function go(to, { keepHash = false } = {}) {
  if (moments.length === 0) return;
  at = Math.min(Math.max(to, 0), moments.length - 1);
  if (!keepHash) history.replaceState(null, '', `#step-${moments[at].first + 1}`);
  draw();
}

const pause = () => { clearInterval(playing); playing = undefined; };

function play() {
  if (moments.length === 0) return;
  if (playing) {
    pause();
    draw();
    return;
  }
  if (at === moments.length - 1) at = -1;
  playing = setInterval(() => {
    if (at >= moments.length - 2) pause();
    go(at + 1);
  }, PACE);
  go(at + 1);
}

// By hand means: no longer by itself.
const byHand = (to) => { pause(); go(to); };

function fromHash() {
  const [, number] = /^#step-(\d+)$/.exec(location.hash) ?? [];
  if (number === undefined) return;
  pause();
  const found = moments.findLastIndex((moment) => moment.first < Number(number));
  listIsOpen = false;
  go(Math.max(found, 0), { keepHash: true });
}

function draw() {
  const moment = moments[at];
  if (!moment) {
    render(html`<main><p class="nothing">No call was seen: ${end()}.</p></main>`, document.querySelector('#page'));
    return;
  }
  const isDark = theme.theme() === 'dark';
  render(html`
    <header class="top">
      <h1><span class="kicker">X-ray</span> <code>${title}</code></h1>
      <p class="about">${end()}${record.host === 'own' ? '' : ', on this machine'}</p>
      <button type="button" class="theme" @click=${() => { theme.toggle(); draw(); }}>${isDark ? 'Light' : 'Dark'}</button>
    </header>
    <nav class="timeline ${listIsOpen ? 'open' : ''}" id="timeline" aria-label="Steps">
      <p class="legend">Changed: <span><span class="dot own"></span> the process</span> <span><span class="dot host"></span> the host</span> <span><span class="dot files"></span> only files</span></p>
      ${timelineView(groups, moment, context)}
    </nav>
    <main id="step" tabindex="-1">
      ${stepView(moment, context)}
      ${store ? html`<p class="note">… stands for <code>${store}</code>. p1 is the level, p2 its first child. Numbers that change from run to run have names.</p>` : nothing}
    </main>
    <section class="bar" aria-label="Step through">
      <button type="button" class="list" aria-expanded=${listIsOpen} aria-controls="timeline" @click=${() => { listIsOpen = !listIsOpen; draw(); }}>Steps</button>
      <button type="button" aria-label="Previous step" ?disabled=${at === 0} @click=${() => byHand(at - 1)}>←</button>
      <button type="button" class="play" aria-label=${playing ? 'Pause' : 'Play'} @click=${play}>${playing ? '❚❚' : '▶'}</button>
      <button type="button" aria-label="Next step" ?disabled=${at === moments.length - 1} @click=${() => byHand(at + 1)}>→</button>
      <input type="range" aria-label="Step" min="0" max=${moments.length - 1} .value=${String(at)} aria-valuetext="Step ${numbers(moment)} of ${context.total}, ${moment.step.call}" @input=${(event) => byHand(Number(event.target.value))}>
      <span class="count" aria-hidden="true">${numbers(moment)} / ${context.total}</span>
    </section>
    <p class="unseen" role="status">${sentence(moment, context)}</p>`, document.querySelector('#page'));
  showCurrent();
}

// Scrolls the timeline, and nothing else: scrollIntoView would move all that is around it.
function showCurrent() {
  const timeline = document.querySelector('.timeline');
  const entry = timeline.querySelector('[aria-current="step"]');
  if (!entry) return;
  const [inside, around] = [entry.getBoundingClientRect(), timeline.getBoundingClientRect()];
  const margin = around.height / 6;
  timeline.scrollTop += Math.min(0, inside.top - around.top - margin) + Math.max(0, inside.bottom - around.bottom + margin);
}

theme.start(draw);
keys.listen({ move: (by) => byHand(at + by), first: () => byHand(0), last: () => byHand(moments.length - 1), play });
addEventListener('hashchange', fromHash);
narrow.addEventListener('change', draw);
document.title = `X-ray: ${title}`;
draw();
fromHash();
print.listen(moments, context, title);
