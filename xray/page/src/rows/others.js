// What a newer record knows of, and no row is there for yet.

import { compare, words } from '../entries.js';

/** A row for all keys that are not in `known`. */
export function others(known) {
  const pick = (view) => view && Object.fromEntries(Object.entries(view).filter(([key]) => !known.has(key)));
  const both = (before, after) => compare(pick(before), pick(after), (value, key) => `${key}  ${words(value)}`);
  return { id: 'others', title: 'more', keys: [], host: both, own: both, short: (entries) => entries.map((entry) => entry.key).join(', ') };
}
