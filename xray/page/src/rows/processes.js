// Processes: on the host all of the run, in the container its own numbers.

import { compare } from '../entries.js';

const program = (words) => {
  try { return JSON.parse(words).map((word) => word.split('/').pop()).join(' '); } catch { return words; }
};

export const processes = {
  id: 'processes',
  title: 'processes',
  keys: ['processes', 'NSpid'],
  host: (before, after) => compare(before?.processes, after.processes, (process, name) => (process.program ? `${name}  ${program(process.program)}` : name), () => 'changed', (process) => process.parent),
  own(before, after) {
    const numbers = (view) => (view?.NSpid === undefined ? undefined : { NSpid: view.NSpid });
    // Another process than before: a child begins as a copy, and not with this.
    const isAnother = before && before.NSpid?.split(' ')[0] !== after.NSpid?.split(' ')[0];
    return compare(isAnother ? {} : numbers(before), numbers(after), (text) => {
      const [outside, ...inside] = text.split(' ');
      return inside.length === 0 ? `${outside}, in the host’s namespace` : `${outside}; in its own namespace it is process ${inside.join(', ')}`;
    });
  },
  short: (entries) => (entries.length === 1 ? entries[0].text : `${entries.length} of this run`),
};
