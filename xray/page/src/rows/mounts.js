// Mounts: a tree, with what each shares with others.

import { compare } from '../entries.js';

// What comes from where: the peer groups' names matter only where two are compared.
const propagation = (words) => words.replaceAll(/(shared|master|propagate_from):group-(\d+)/g, '$1 $2');

const text = (mount) => {
  const { point, type, source, root, options, layers, propagation: how, on, ...others } = mount;
  const from = root ? ` of ${root}` : '';
  const rest = Object.entries(others).map(([key, value]) => ` ${key} ${JSON.stringify(value)}`).join('');
  return `${point}  ${type}${from} ${options} ${propagation(how ?? '')}${layers ? ` ${layers}` : ''}${rest}`;
};

function kind(before, after) {
  if (before.point !== after.point) return after.point === '/' ? 'root' : 'moved';
  if (before.propagation !== after.propagation) return 'propagation';
  if (before.options !== after.options) return 'options';
  return 'changed';
}

// Of a change, what is another one.
function brief(before, after) {
  if (before.point !== after.point) return [before.point, `${after.point}  ${after.type}`];
  if (before.propagation !== after.propagation) return [`${after.point}  ${propagation(before.propagation)}`, propagation(after.propagation)];
  if (before.options !== after.options) return [`${after.point}  ${before.options}`, after.options];
  return undefined;
}

// The directory below which these are now, if it is one for all.
function below(moved) {
  const places = moved.map(({ was, text }) => {
    const [before, now] = [was, text].map((words) => words.split('  ')[0]);
    const path = before === '/' ? '' : before;
    return now.endsWith(path) ? now.slice(0, now.length - path.length) : undefined;
  });
  return places.every((place) => place && place === places[0]) ? places[0] : undefined;
}

export const mounts = {
  id: 'mounts',
  title: 'mounts',
  keys: ['mounts'],
  host(before, after) {
    const entries = compare(before?.mounts, after.mounts, text, kind, (mount) => mount.on);
    return entries.map((entry) => (entry.mark === 'changed' ? { ...entry, brief: brief(before.mounts[entry.key], entry.value) } : entry));
  },
  own(before, after) {
    const isCopy = before && before.namespaces?.mnt !== after.namespaces?.mnt;
    const entries = compare(isCopy ? undefined : before?.mounts, after.mounts, text, kind, (mount) => mount.on);
    // Another namespace's table: none of them is new, but all are others.
    if (isCopy) return entries.map((entry) => ({ ...entry, mark: 'new', kind: 'copy' }));
    // In another root the table shows what can be reached from there.
    const isHidden = before && before.root !== after.root;
    const top = entries.find((entry) => entry.kind === 'root');
    const came = top && before.mounts[top.key].point;
    return entries.map((entry) => {
      if (entry.kind === 'gone' && isHidden) return { ...entry, kind: 'hidden' };
      if (entry.mark !== 'changed') return entry;
      const hasCome = entry.kind === 'moved' && before.mounts[entry.key].point === `${came}${entry.value.point}`;
      return { ...entry, brief: brief(before.mounts[entry.key], entry.value), kind: hasCome ? 'with the root' : entry.kind };
    });
  },
  sentence(which, of) {
    const count = `${of.length} mounts`;
    switch (which) {
      case 'copy': return `a table of its own now: a copy, with the same ${count}`;
      case 'hidden': return `${count} cannot be reached from its root, and are still there`;
      case 'with the root': return `${count} have come with it`;
      case 'moved': return below(of) ? `${count} are now below ${below(of)}` : `${count} have another path from here`;
      case 'propagation': return of.every(({ value }) => value.propagation === 'private') ? `${count} are private now` : `${count} belong to other peer groups`;
      case 'options': return `${count} have other options`;
      case 'gone': return `${count} are no longer here`;
      case 'new': return `${count} are new`;
      default: return `${count} have changed`;
    }
  },
  short: (entries) => `${entries.length} mounts`,
};
