// One sentence: what has changed for the process, and what for the host.

import { html, nothing } from 'lit-html';

// What a runtime does to the host on purpose: it starts processes, and makes groups for them.
const EXPECTED = new Set(['processes', 'groups']);
// Calls of which one would ask why nothing has changed.
const ASKS = /^(set|cap|prctl|u?mount|ioctl)/;

const list = (names) => names.join(', ');
// Those that make or remove names.
const FILES = /^(mk|symlink|link|rename|unlink|rmdir)/;

/** Whether files are made or removed, of which neither the host's column nor the other tells. */
export const isOfFiles = ({ step, stop }) => FILES.test(step.call) && !step.error && !stop.search;

/** Mounts to which no path leads any more, in a sentence; nothing for a single one. */
function unreachable(rows, { step, host }) {
  if (step.call !== 'umount2') return undefined;
  const mounts = rows.find(({ row }) => row.id === 'mounts')?.own ?? [];
  const lost = mounts.filter((entry) => entry.mark === 'gone').map((entry) => entry.value);
  if (lost.length < 2) return undefined;
  const isThere = (mount) => lost.some((other) => other.type === mount.type && other.root === mount.root && other.point.endsWith(mount.point === '/' ? '' : mount.point));
  const isHosts = Object.values(host.after.mounts ?? {}).every(isThere);
  return `${isHosts ? 'The host’s mounts' : `${lost.length} mounts`} cannot be reached from here any more: no path leads there.`;
}

/**
 * `{ key, own, host, isHarm }`: what matters most, if there is such a thing, two sentences, and
 * whether the second is bad news.
 */
export function verdictOf(rows, moment) {
  const { step, stop, own, who } = moment;
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
  else if (step.call === 'exit') first = `${who} is gone: it has no mounts, namespaces or descriptors any more. What is shown here is the host’s.`;
  else if (mine.length > 0) first = { changed: list(mine) };
  else if (step.error && !stop.search) first = 'The call has failed: nothing has changed.';
  else if (step.unseen) first = 'It is so now, and no file in /proc shows it.';
  else if (ASKS.test(step.call)) first = 'It was so before, as far as /proc shows it.';
  else if (step.call.startsWith('execve') && !step.error) first = 'It runs another program now, and is the same process: nothing else of it has changed.';
  else if (theirs.length > 0) first = 'Nothing of its own has changed.';
  else if (isOfFiles(moment)) first = 'Only files have changed, and files are not shown here.';
  else first = 'Nothing that is shown here has changed.';
  const second = isFirst || theirs.length === 0 ? (isOfFiles(moment) && mine.length === 0 ? 'Mounts, processes and all else is as before, also the host’s.' : 'The host has not changed.')
    : harm ? `The host has changed too: ${list(theirs)}.` : `The host has noticed: ${list(theirs)}.`;
  return { key: unreachable(rows, moment), own: first, host: isFirst ? '' : second, isHarm: harm && !isFirst };
}

const isFailure = ({ step, stop }) => step.error && !stop.search;

/** As plain text, for those who hear it. */
export const verdictText = ({ key, own, host }) => `${key ? `${key} ` : ''}${own.changed ? `Changed: ${own.changed}.` : own} ${host}`;

export function verdictView(verdict, moment, context) {
  const said = Object.entries(moment.said ?? {}).filter(([column, all]) => all.length > 0 && !(moment.isGone && column === moment.who));
  // Paths are code.
  const drawn = (words) => context.short(words).split(/(?<=^|\s)((?:…|\/)[^\s,;]*)/).map((part, at) => (at % 2 ? html`<code>${part}</code>` : part));
  return html`
    <div class="verdict ${verdict.isHarm ? 'harm' : isFailure(moment) ? 'failed' : ''}">
      ${verdict.key ? html`<p class="key">${verdict.key}</p>` : nothing}
      <p>${verdict.own.changed ? html`Changed: <strong>${verdict.own.changed}</strong>.` : verdict.own} <span class="of-host">${verdict.host}</span></p>
      ${said.length === 0 ? nothing : html`<dl>${said.map(([column, all]) => html`<dt class=${column === 'host' ? 'host' : 'own'}>${column}</dt>${all.map((words) => html`<dd>${drawn(words)}</dd>`)}`)}</dl>`}
    </div>`;
}
