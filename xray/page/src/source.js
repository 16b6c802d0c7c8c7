// The line of the level that has made the call, with those around it. A learner's own blocks
// are marked.

import { html, nothing } from 'lit-html';

const AROUND = [3, 3];

/** `levels/03_pivot_root/src/mounts.rs` is called `mounts.rs`. */
export const shortFile = (file) => file.split('/src/').pop();

/** `TODO(03) 2`: a block's name, by the number of its level. */
const label = (file, block) => `TODO(${/^levels\/(\d\d)_/.exec(file)?.[1]}) ${block.steps.map(({ number }) => number).join(', ')}`;

/** The last line of the statement that begins in this one; of one with a body, its head. */
export function endOf(lines, number) {
  let depth = 0;
  for (let at = number; at <= Math.min(lines.length, number + 12); at += 1) {
    const code = (lines[at - 1] ?? '').replace(/"(\\.|[^"\\])*"/g, '""').replace(/\/\/.*/, '');
    for (const char of code) {
      if ('(['.includes(char)) depth += 1;
      if (')]'.includes(char)) depth -= 1;
    }
    if (depth <= 0) return at;
  }
  return number;
}

/** A statement in one line. */
export function statement(lines, number) {
  const whole = lines.slice(number - 1, endOf(lines, number)).map((line) => line.trim()).join(' ');
  return whole.replace(/([([{]) /g, '$1').replace(/,? ([)\]])/g, '$1');
}

const TOKEN = /(\/\/.*)|("(?:\\.|[^"\\])*"?)|\b(fn|let|mut|pub|use|mod|for|in|if|else|match|return|move|const|static|struct|enum|impl|while|loop|as|ref|unsafe|where|type|crate|self|Self)\b|\b(\d[\w.]*)\b/g;

function coloured(line) {
  const parts = [];
  let at = 0;
  for (const found of line.matchAll(TOKEN)) {
    parts.push(line.slice(at, found.index));
    const name = found[1] ? 'comment' : found[2] ? 'string' : found[3] ? 'keyword' : 'literal';
    parts.push(html`<span class=${name}>${found[0]}</span>`);
    at = found.index + found[0].length;
  }
  return [...parts, line.slice(at)];
}

export function sourceView({ step }, context) {
  const [inner, ...callers] = step.lines;
  if (!inner) return html`<p class="no-source">No line of the level has made this call: ${step.call === 'execve' ? 'here the level itself is started' : 'it is the end of the process'}.</p>`;
  const file = shortFile(inner.file);
  const seen = new Set([`${file}:${inner.line}`]);
  const chain = callers.filter((line) => {
    const name = `${shortFile(line.file)}:${line.line}`;
    return line.function !== 'main' && !seen.has(name) && seen.add(name);
  });
  const lines = context.lines(inner.file);
  const last = endOf(lines, inner.line);
  const [from, to] = [Math.max(1, inner.line - AROUND[0]), Math.min(lines.length, last + AROUND[1])];
  const blocks = context.blocks(inner.file);
  const blockAt = (line) => blocks.find((each) => each.first <= line && line <= each.last);
  const block = blockAt(inner.line);
  const shown = lines.slice(from - 1, to);
  const depth = Math.min(...shown.filter((line) => line.trim()).map((line) => line.search(/\S/)), 40);
  const row = (text, index) => {
    const number = from + index;
    const yours = blockAt(number);
    const lit = number >= inner.line && number <= last;
    const first = number === inner.line;
    return html`<span class="line${lit ? ' lit' : ''}${yours ? ' yours' : ''}"><span class="number">${number}</span><span class="code">${first ? html`<span class="unseen">this line: </span>` : nothing}${coloured(text.slice(depth))}</span></span>`;
  };
  return html`
    <figure class="source">
      <figcaption>
        <span><b>${file}</b> line ${inner.line}, in <code>${inner.function}</code></span>${chain.length > 0 ? html`<span class="chain">called from ${chain.map((line, at) => html`${at > 0 ? html` <span aria-hidden="true">←</span> ` : nothing}<code>${shortFile(line.file)}:${line.line}</code>`)}</span>` : nothing}
        ${block ? html`<span class="tag">your block ${label(inner.file, block)}</span>` : nothing}
      </figcaption>
      ${lines.length === 0 ? html`<p class="no-source">Its source was not found.</p>` : html`<pre tabindex="0" aria-label="Source of ${file}, line ${inner.line}"><code>${shown.map(row)}</code></pre>`}
    </figure>`;
}
