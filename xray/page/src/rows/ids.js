// Users and groups.

import { compare } from '../entries.js';

const NAMES = { Uid: 'user', Gid: 'group', Groups: 'other groups' };
const pick = (view) => view && Object.fromEntries(Object.keys(NAMES).filter((key) => view[key] !== undefined).map((key) => [key, view[key]]));

function text(value, key) {
  if (key === 'Groups') return `${NAMES[key]}  ${value || 'none'}`;
  const ids = value.split(' ');
  if (ids.every((id) => id === ids[0])) return `${NAMES[key]}  ${ids[0]}`;
  return `${NAMES[key]}  ${['real', 'effective', 'saved', 'file system'].map((which, at) => `${which} ${ids[at]}`).join(', ')}`;
}

export const ids = {
  id: 'ids',
  title: 'user and groups',
  keys: ['Uid', 'Gid', 'Groups'],
  own: (before, after) => compare(pick(before), pick(after), text),
  short: (entries) => entries.map((entry) => entry.text).join(', '),
};
