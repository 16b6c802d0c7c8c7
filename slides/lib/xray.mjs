// A step of a real run on a slide: the call, what it does, the line that made it, the seven
// namespaces, and what has changed. What is shown is in slides/xray/, made by slides/xrays.sh.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository, slidesDir } from './deck.mjs';

const escape = (text) => text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);

/** What stands in slides/xray/NAME.json. */
export const readStep = (name) => JSON.parse(readFileSync(join(slidesDir, 'xray', name), 'utf8'));

/** As a figure; `highlight` colours a line of Rust, `dedent` moves lines to the left edge. */
export function xray(name, description, { highlight, dedent }) {
  const step = readStep(name);
  const call = `<b>${escape(step.call)}</b>(${step.arguments.map((each) => `<span>${escape(each)}</span>`).join(', ')})`;
  const lines = dedent(step.source.lines.join('\n')).split('\n').map((line, index) => `<span class="line${step.source.first + index === step.source.line ? ' lit' : ''}">${highlight(line) || ' '}</span>`);
  const boxes = Object.entries(step.namespaces).map(([words, state]) => `<li class="${state}">${escape(words)}</li>`);
  // Whose it is stands before the first.
  const changes = step.changed.map(([who, words], index) => `<li><b class="${who === 'host' ? 'host' : 'own'}">${who === step.changed[index - 1]?.[0] ? '' : escape(who)}</b> ${escape(words)}</li>`);
  return `<figure class="xray" role="group" aria-label="${escape(description)}">
<p class="call">${call}</p>
<ul class="changes">${changes.join('')}</ul>
<pre><code>${lines.join('')}</code></pre>
<ul class="namespaces">${boxes.join('')}</ul>
<figcaption>X-ray of ${escape(step.run)}; p1 is the level, p2 its child · ${escape(step.source.file.replace('levels/', ''))}:${step.source.line}</figcaption>
</figure>`;
}

/** The figures of a section whose lines are not in the level's file any more. */
export function staleXrays({ slides }) {
  return slides.flatMap(({ name, body }) => [...body.matchAll(/!\[[^\]]*\]\(([\w-]+\.json)\)/g)].flatMap(([, file]) => {
    if (!existsSync(join(slidesDir, 'xray', file))) return [`${name}: there is no xray/${file}; slides/xrays.sh makes them`];
    const { source } = readStep(file);
    const now = existsSync(join(repository, source.file)) ? readFileSync(join(repository, source.file), 'utf8').split('\n') : [];
    const same = source.lines.every((line, index) => now[source.first - 1 + index]?.trim() === line.trim());
    return same ? [] : [`${name}: the lines of xray/${file} are not in ${source.file} today; run slides/xrays.sh, as root`];
  }));
}
