// The hostname.

import { compare } from '../entries.js';

const pick = (view) => (view?.hostname === undefined ? undefined : { hostname: view.hostname });
const both = (before, after) => compare(pick(before), pick(after));

export const hostname = {
  id: 'hostname',
  title: 'hostname',
  keys: ['hostname'],
  host: both,
  own: both,
  short: (entries) => entries.map((entry) => entry.text).join(', '),
};
