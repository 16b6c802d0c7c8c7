// Where paths begin.

import { compare } from '../entries.js';

// What is mounted there: the same path may be another place.
function top(view) {
  const mount = Object.values(view.mounts ?? {}).find(({ point }) => point === '/');
  return mount ? ` (${mount.type}${mount.root ? ` of ${mount.root}` : ''})` : '';
}

function pick(view) {
  if (!view) return undefined;
  const picked = {};
  if (view.root !== undefined) picked.root = `${view.root}${view.root === '/' ? top(view) : ''}`;
  if (view.cwd !== undefined) picked.cwd = view.cwd;
  return picked;
}

const NAMES = { root: 'root', cwd: 'working directory' };

export const root = {
  id: 'root',
  title: 'root and working directory',
  names: (entries) => entries.map((entry) => NAMES[entry.key]),
  keys: ['root', 'cwd'],
  own: (before, after) => compare(pick(before), pick(after), (path, key) => `${key === 'root' ? '/ is' : 'works in'}  ${path}`),
  short: (entries, context) => entries.map((entry) => context.short(entry.text)).join(', '),
};
