// Where paths begin.

import { compare } from '../entries.js';

const pick = (view) => view && Object.fromEntries(['root', 'cwd'].filter((key) => view[key] !== undefined).map((key) => [key, view[key]]));

export const root = {
  id: 'root',
  title: 'root and working directory',
  name: 'root',
  keys: ['root', 'cwd'],
  own: (before, after) => compare(pick(before), pick(after), (path, key) => `${key === 'root' ? '/ is' : 'works in'}  ${path}`),
  short: (entries, context) => entries.map((entry) => context.short(entry.text)).join(', '),
};
