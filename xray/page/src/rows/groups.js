// Control groups: on the host the directories and their limits, in the container where it is.

import { compare } from '../entries.js';

const place = (path) => path.replace(/^\/sys\/fs\/cgroup\//, '');

// A group is an entry, and so is each of its files.
function flat(groups) {
  if (groups === undefined) return undefined;
  const all = Object.entries(groups).flatMap(([path, files]) => [
    [path, { text: place(path) }],
    ...Object.entries(files).map(([file, value]) => [`${path}/${file}`, { text: `${file} = ${value === '' ? '(none)' : value}`, under: path }]),
  ]);
  return Object.fromEntries(all);
}

export const groups = {
  id: 'groups',
  title: 'control groups',
  keys: ['cgroups', 'cgroup'],
  host: (before, after) => compare(flat(before?.cgroups), flat(after.cgroups), (entry) => entry.text, () => 'changed', (entry) => entry.under),
  own: (before, after) => compare(before?.cgroup, after.cgroup, (path, hierarchy) => `${hierarchy}  ${path}`),
  sentence: (kind, of) => `${of.length} ${kind === 'new' ? 'are new' : kind === 'gone' ? 'are gone' : 'have changed'}`,
  short(entries) {
    const count = entries.filter((entry) => entry.under === undefined).length;
    return count === 0 ? 'none of its own' : `${count} of its own`;
  },
};
