// Open descriptors. Most calls of a runtime open or close one in passing, so only those are
// told that are about them.

import { compare } from '../entries.js';

export const descriptors = {
  id: 'descriptors',
  title: 'open descriptors',
  keys: ['descriptors'],
  isQuiet: (step) => !['close_range', 'execve'].includes(step.call),
  own: (before, after) => compare(before?.descriptors, after.descriptors, (what, number) => `${number}  ${what}`),
  short: (entries) => entries.map((entry) => entry.key).join(' ') || 'none',
};
