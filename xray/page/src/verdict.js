// One sentence: what has changed for the process, and what for the host.

import { html, nothing } from 'lit-html';

// What a runtime does to the host on purpose: it starts processes, and makes groups for them.
const EXPECTED = new Set(['processes', 'groups']);
// Calls of which one would ask why nothing has changed.
const ASKS = /^(set|cap|prctl|u?mount|ioctl)/;

const list = (names) => names.join(', ');
// Those that make or remove names.
const FILES = /^(mk|symlink|unlink|rmdir)/;

/** `{ own, host, isHarm }`: two sentences, and whether the second is bad news. */
export function verdictOf(rows, { step, stop, own }) {
  const named = (side) => rows.filter((each) => !each.isQuiet).flatMap((each) => {
    const changed = each[side].filter((entry) => entry.mark !== 'same');
    if (changed.length === 0) return [];
    return each.row.names?.(changed) ?? [each.row.title];
  });
  const [mine, theirs] = [named('own'), named('host')];
  const harm = rows.filter((row) => row.hostChanged && !EXPECTED.has(row.row.id)).length > 0;
  const isFirst = own.before === undefined;
  let first;
  if (isFirst) first = 'It begins as the host is.';
  else if (step.call === 'exit') first = 'The process is gone.';
  else if (mine.length > 0) first = { changed: list(mine) };
  else if (step.error && !stop.search) first = 'The call has failed: nothing has changed.';
  else if (step.unseen) first = 'It is so now, and no file in /proc shows it.';
  else if (ASKS.test(step.call)) first = 'It was so before, as far as /proc shows it.';
  else if (theirs.length > 0) first = 'Nothing of its own has changed.';
  else if (FILES.test(step.call)) first = 'Only files have changed, which are not shown here.';
  else first = 'Nothing that is shown here has changed.';
  const second = isFirst || theirs.length === 0 ? 'The host has not changed.'
    : harm ? `The host has changed too: ${list(theirs)}.` : `The host has noticed: ${list(theirs)}.`;
  return { own: first, host: isFirst ? '' : second, isHarm: harm && !isFirst };
}

const isFailure = ({ step, stop }) => step.error && !stop.search;

/** As plain text, for those who hear it. */
export const verdictText = ({ own, host }) => `${own.changed ? `Changed: ${own.changed}.` : own} ${host}`;

export function verdictView(verdict, moment, context) {
  const said = Object.entries(moment.said ?? {}).filter(([, all]) => all.length > 0);
  // Paths are code.
  const drawn = (words) => context.short(words).split(/(?<=^|\s)((?:…|\/)[^\s,;]*)/).map((part, at) => (at % 2 ? html`<code>${part}</code>` : part));
  return html`
    <div class="verdict ${verdict.isHarm ? 'harm' : isFailure(moment) ? 'failed' : ''}">
      <p>${verdict.own.changed ? html`Changed: <strong>${verdict.own.changed}</strong>.` : verdict.own} <span class="of-host">${verdict.host}</span></p>
      ${said.length === 0 ? nothing : html`<dl>${said.map(([column, all]) => html`<dt class=${column === 'host' ? 'host' : 'own'}>${column}</dt>${all.map((words) => html`<dd>${drawn(words)}</dd>`)}`)}</dl>`}
    </div>`;
}
