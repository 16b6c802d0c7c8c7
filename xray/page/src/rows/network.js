// Network interfaces: whether they are up, and whatever else the record knows of them.

import { compare, words } from '../entries.js';

const both = (before, after) => compare(before?.interfaces, after.interfaces, (state, name) => `${name}  ${words(state)}`);

export const network = {
  id: 'network',
  title: 'network',
  keys: ['interfaces'],
  host: both,
  own: both,
  short: (entries) => entries.map((entry) => entry.text).join(', ') || 'no interface',
};
