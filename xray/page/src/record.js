// The record, and what stands in its patches: how everything was before and after each stop.
// A stop is one step of the record, or some that are told as one; Rust has decided which.

import { lay } from './patch.js';

/** Reads the text of the page's data element. */
export function read(text) {
  const record = JSON.parse(text);
  // A stack stands there once, however many steps have it.
  for (const step of record.steps) step.lines = record.stacks[step.lines] ?? [];
  return record;
}

/**
 * All moments: `{ first, count, steps, step, stop, who, host, own }`. `who` is the process in the
 * right column; `host` and `own` have the view `before` and `after`. Of a process that has ended
 * (`isGone`) nothing is left to show.
 */
export function moments(record) {
  let views = {};
  return record.stops.map((stop) => {
    const steps = record.steps.slice(stop.first, stop.first + stop.count);
    const [step] = steps;
    const before = { ...views };
    // A child begins as a copy of its parent.
    if (step.born) before[step.born] = views[step.who];
    views = { ...before };
    for (const { view } of steps) {
      for (const [column, patch] of Object.entries(view ?? {})) views[column] = lay(patch, views[column]);
    }
    const who = step.born ?? step.who;
    const both = (column) => ({ before: before[column], after: views[column] ?? {} });
    const isGone = step.call === 'exit';
    const own = isGone ? { before: {}, after: {} } : both(who);
    return { ...stop, stop, steps, step, who, isGone, host: both('host'), own, last: stop.first + stop.count };
  });
}

/** The directory of the container directories: too long to be shown in each path. */
export function storeOf(record) {
  for (const step of record.steps) {
    for (const argument of step.arguments ?? []) {
      const [, store] = /^"(\/.*?)\/container-\d+/.exec(argument) ?? [];
      if (store && !store.startsWith('/sys/')) return store;
    }
  }
  return undefined;
}
