// The kernel's state, row by row: the host beside the container. What has changed is shown,
// the rest is folded.

import { html, nothing } from 'lit-html';
import { keyed } from 'lit-html/directives/keyed.js';
import { repeat } from 'lit-html/directives/repeat.js';
import { changes, hasChanged, MANY, tree } from './entries.js';
import { capabilities } from './rows/capabilities.js';
import { descriptors } from './rows/descriptors.js';
import { groups } from './rows/groups.js';
import { hostname } from './rows/hostname.js';
import { ids } from './rows/ids.js';
import { mounts } from './rows/mounts.js';
import { namespaces } from './rows/namespaces.js';
import { network } from './rows/network.js';
import { others } from './rows/others.js';
import { processes } from './rows/processes.js';
import { root } from './rows/root.js';
import { seccomp } from './rows/seccomp.js';

const ROWS = [namespaces, mounts, root, processes, hostname, network, groups, ids, capabilities, seccomp, descriptors];
const KNOWN = new Set(ROWS.flatMap((row) => row.keys));
ROWS.push(others(KNOWN));

/** All rows of a moment: `{ row, host, own, hostChanged, ownChanged }`. */
export function rowsOf(moment, context) {
  return ROWS.map((row) => {
    const side = (of, views) => (of ? of(views.before, views.after, context) : []);
    const host = side(row.host, moment.host);
    const own = side(row.own, moment.own);
    const isQuiet = row.isQuiet?.(moment.step) ?? false;
    return { row, host, own, hostChanged: hasChanged(host), ownChanged: hasChanged(own), isQuiet };
  }).filter(({ host, own }) => host.length + own.length > 0);
}

const isShown = ({ hostChanged, ownChanged, isQuiet }) => (hostChanged || ownChanged) && !isQuiet;

// One side of a row: what has changed in it, and folded below that the whole of it.
function side(name, who, entries, changed, row, context, isUnfolded) {
  if (entries.length === 0) return html`<div class="side ${name} empty"></div>`;
  const now = entries.filter((entry) => entry.mark !== 'gone');
  const whole = (full) => html`<div class="whole">${tree(now, context, full)}</div>`;
  return html`<div class="side ${name}"><h4>${who}</h4>${isUnfolded ? whole(true) : folded(entries, now, changed, row, context, whole)}</div>`;
}

function folded(entries, now, changed, row, context, whole) {
  const fold = (summary, body) => html`<details class="fold rest"><summary>${summary}</summary>${body}</details>`;
  if (!changed) {
    const summary = `as before: ${row.short(now, context)}`;
    return context.isPrint ? html`<p class="same">${summary}</p>` : fold(summary, whole(true));
  }
  const same = now.filter((entry) => entry.mark === 'same').length;
  // Where all of it is new, the whole is what has changed.
  const isAll = same === 0 && now.length === entries.length && now.every((entry) => !entry.brief && entry.kind === now[0].kind);
  if (isAll && now.length <= MANY) return whole(false);
  if (isAll) return html`<details class="fold ${now[0].mark}"><summary><span class="what">${row.sentence?.(now[0].kind, now) ?? `${now.length}: ${now[0].kind}`}</span></summary>${context.isPrint ? nothing : whole(false)}</details>`;
  return html`${changes(entries, context, row.sentence)}${context.isPrint ? nothing : fold(same > 0 ? `${same} as before` : `all ${now.length}`, whole(true))}`;
}

function one({ row, host, own, hostChanged, ownChanged }, moment, context, full) {
  return html`${side('host', 'host', host, hostChanged, row, context, full)}${side('own', moment.who, own, ownChanged, row, context, full)}`;
}

/** The rows that have changed, and the others folded below. */
export function rowsView(rows, moment, context) {
  const listed = rows.filter(({ row }) => !row.isStrip);
  const shown = listed.filter(isShown);
  const rest = listed.filter((row) => !isShown(row));
  return html`
    <div class="rows">
      ${keyed(moment.first, shown.map((each) => html`<section class="row changed" data-row=${each.row.id}><h3>${each.row.title}</h3>${one(each, moment, context, false)}</section>`))}
    </div>
    ${context.isPrint ? nothing : html`
    <div class="others">
      <h3>${moment.isGone ? 'The rest of the host, as it was' : shown.length === 0 ? 'Everything, as it is' : 'All the rest, as it was'}</h3>
      ${repeat(rest, (each) => each.row.id, (each) => html`
        <details class="row" data-row=${each.row.id} ?open=${context.open.has(each.row.id)} @toggle=${(event) => context.keep(each.row.id, event.target.open)}>
          <summary><b>${each.row.title}</b> <span>${each.row.short((each.own.length > 0 ? each.own : each.host).filter((entry) => entry.mark !== 'gone'), context)}${each.isQuiet && each.ownChanged ? ' (opened or closed on the way to this call)' : ''}</span></summary>
          <div class="unfolded">${one(each, moment, context, true)}</div>
        </details>`)}
    </div>`}`;
}
