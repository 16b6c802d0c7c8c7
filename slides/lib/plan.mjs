// The plans, three of a first day and one of a second: which pauses they have, and when each section begins.
import { besideLevel } from './parts.mjs';

/** Minutes of a slot, and its pauses: after which section, how long. */
export const SLOTS = {
  full: {
    title: 'Full day', slot: 480,
    pauses: {
      '11-chroot': { title: 'break', minutes: 15 },
      '14-overlay': { title: 'lunch', minutes: 60 },
      '17-net': { title: 'break', minutes: 15 },
      '20-memory': { title: 'break', minutes: 15 },
    },
  },
  // Part II, for people who have done Part I, on another day.
  harden: {
    title: 'Second day',
    slot: 360,
    pauses: {
      '26-pids-io': { title: 'break', minutes: 15 },
      '29-sealed-self': { title: 'lunch', minutes: 60 },
      '31-init': { title: 'break', minutes: 15 },
    },
  },
  half: { title: 'Half a day', slot: 240, pauses: { '12-mount-ns': { title: 'break', minutes: 15 } } },
  // Preparation has been done at home; exercises are short, or done together on the wall.
  'two-hours': { title: 'Two hours', slot: 120, pauses: { '11-chroot': { title: 'break', minutes: 5 } } },
};

/**
 * The rows of a plan, in minutes from its beginning. `latest` is when a row must begin
 * for everything after it to fit into the slot.
 */
export function plan(name, deck) {
  const { title, slot, pauses } = SLOTS[name];
  const rows = deck.filter((section) => section.plans.includes(name)).flatMap((section) => {
    const row = { section: section.id, level: section.level, title: section.title, talk: section.talk, exercise: section.exercise[name] };
    const pause = pauses[section.id];
    return [{ ...row, minutes: row.talk + row.exercise }, ...pause ? [{ title: pause.title, pause: true, minutes: pause.minutes }] : []];
  });
  const total = rows.reduce((sum, { minutes }) => sum + minutes, 0);
  let begin = 0;
  for (const row of rows) {
    row.begin = begin;
    row.latest = slot - (total - begin);
    begin += row.minutes;
  }
  return { name, title, slot, total, rows };
}

/** The first and the last level that each plan holds: a full day goes through Part I, the second through Part II. */
const LAST_OF_PART_1 = Math.max(...besideLevel(0));
const FIRST = { full: 0, half: 0, 'two-hours': 0, harden: LAST_OF_PART_1 + 1 };
const LAST = { full: LAST_OF_PART_1, half: 6, 'two-hours': 4, harden: Math.max(...besideLevel(LAST_OF_PART_1 + 1)) };

/** What is wrong with a plan. */
export function misplanned(name, deck) {
  const { slot, total, rows } = plan(name, deck);
  const complaints = [];
  if (total > slot) complaints.push(`${name}: ${total} minutes are planned, ${total - slot} more than its ${slot}`);
  const levels = rows.filter(({ level }) => level).map(({ level }) => level).join(' ');
  const wanted = Array.from({ length: LAST[name] - FIRST[name] + 1 }, (_, index) => String(FIRST[name] + index).padStart(2, '0')).join(' ');
  if (levels !== wanted) complaints.push(`${name}: holds the levels ${levels}, and should hold ${wanted}`);
  for (const section of Object.keys(SLOTS[name].pauses)) {
    if (!rows.some((row) => row.section === section)) complaints.push(`${name}: a pause is planned after ${section}, which is not held`);
  }
  let sitting = 0;
  for (const { pause, minutes, section } of rows) {
    sitting = pause ? 0 : sitting + minutes;
    if (sitting > 120) { complaints.push(`${name}: nobody sits for more than two hours; at the end of ${section} it would be ${sitting} minutes`); break; }
  }
  return complaints;
}
