// What stands between a process and the kernel, or more rights.

import { compare } from '../entries.js';

const WORDS = {
  Seccomp: { 0: 'no filter: every system call is let through', 1: 'may only read, write and exit', 2: 'a filter decides about its system calls' },
  NoNewPrivs: { 0: 'an exec may give it more rights', 1: 'no exec gives it more than it has' },
};
const pick = (view) => view && Object.fromEntries(Object.keys(WORDS).filter((key) => view[key] !== undefined).map((key) => [key, view[key]]));

export const seccomp = {
  id: 'seccomp',
  title: 'seccomp',
  keys: Object.keys(WORDS),
  own: (before, after) => compare(pick(before), pick(after), (value, key) => `${key} ${value}: ${WORDS[key][value] ?? 'unknown'}`),
  short: (entries) => entries.map((entry) => entry.text.split(':')[0]).join(', '),
};
