// The timeline: the level's own lines, and below each the calls that it has led to.

import { html, nothing } from 'lit-html';
import { callText } from './call.js';
import { rowsOf } from './rows.js';
import { shortFile, statement } from './source.js';
import { isOfFiles } from './verdict.js';

// The lines that tell a container's story are those of this function; before and after, those
// of the one that starts it.
const STORY = ['contain', 'start_and_wait', 'run'];

function headOf({ step }) {
  const told = STORY.map((name) => step.lines.find((line) => line.function === name)).find(Boolean);
  return told ?? step.lines[0];
}

/** Moments below their headings: `{ line, text, moments }`. */
export function groupsOf(moments, context) {
  const groups = [];
  for (const moment of moments) {
    const line = headOf(moment);
    const key = line ? `${moment.step.who} ${line.file}:${line.line}` : `${moment.step.who} ${moment.step.call}`;
    if (groups.at(-1)?.key !== key) {
      const text = line ? statement(context.lines(line.file), line.line) : undefined;
      const other = moment.step.call === 'exit' ? `${moment.step.who} ends` : `${moment.step.who} starts`;
      groups.push({ key, line, text: text || line?.function, other, moments: [] });
    }
    groups.at(-1).moments.push(moment);
  }
  return groups;
}

/** Who has changed: `host`, `own`; or neither, but `files`. */
export function changed(moment, context) {
  const rows = rowsOf(moment, context).filter((row) => !row.isQuiet);
  const isFirst = moment.own.before === undefined && moment.host.before === undefined;
  const host = !isFirst && rows.some((row) => row.hostChanged);
  const own = !isFirst && (moment.isGone || rows.some((row) => row.ownChanged));
  return { host, own, files: !host && !own && isOfFiles(moment) };
}

const dots = ({ host, own, files }) => html`<span class="dots">${files ? html`<span class="dot files" title="only files have changed"><span class="unseen">, changes files</span></span>` : nothing}${host ? html`<span class="dot host" title="the host has changed"><span class="unseen">, changes the host</span></span>` : nothing}${own ? html`<span class="dot own" title="the process has changed"><span class="unseen">, changes the process</span></span>` : nothing}</span>`;

export function timelineView(groups, current, context) {
  const item = (moment) => {
    const isFailure = moment.step.error && !moment.stop.search;
    return html`<li><a href="#step-${moment.first + 1}" aria-current=${moment === current ? 'step' : nothing} class="${isFailure ? 'failed' : ''}${moment.stop.search ? ' search' : ''}"><span class="at">${moment.first + 1}</span><span class="who">${moment.step.who}</span><span class="text" title=${callText(moment.step, (text) => text)}>${isFailure ? html`<span class="cross" aria-hidden="true">✗</span><span class="unseen">failed: </span>` : nothing}${callText(moment.step, context.short)}</span>${moment.stop.times > 1 ? html`<span class="times">×${moment.stop.times}</span>` : nothing}${dots(context.changed(moment))}</a></li>`;
  };
  return html`<ol class="groups">${groups.map((group) => html`
    <li><h2>${group.text ? html`<code title=${group.text}>${group.text}</code><span class="place">${shortFile(group.line.file)}:${group.line.line}</span>` : html`<span class="other">${group.other}</span>`}</h2>
      <ol>${group.moments.map(item)}</ol></li>`)}</ol>`;
}
