// What to leave out when the room is late. The day ends when it was to end: what is cut is typing,
// never a pause and never the look at what broke. A level that is cut has its solution in the next.
import { plan } from './plan.mjs';
import { hasTodo } from './text.mjs';

/**
 * For each plan its cuts, in the order in which to take them. `wins` are the minutes that one
 * claims; `why` says what is lost, or what to do in its place. What is cut is one of:
 *
 * - `exercise: 0`, the exercise; with `demo: N`, you type in it, for N minutes, and they watch;
 * - `without: [STEP...]`, steps of the level, which leaves an exercise of `exercise` minutes;
 * - `whole: true`, the section with its talk.
 */
export const CUTS = {
  full: [
    { section: '15-uts', exercise: 0, wins: 9, why: 'A flag, a call and a clean environment: show them in 06, which has all three.' },
    { section: '17-net', demo: 6, wins: 11, why: 'Let 127.0.0.1 fail first; then type the socket and the two ioctls.' },
    { section: '33-docker', whole: true, wins: 8, why: 'It is in the book, as What Docker adds.' },
    { section: '14-overlay', demo: 6, wins: 9, why: 'Take it first if lunch cannot wait. Type the one mount.' },
    { section: '19-cpu', demo: 8, wins: 12, why: 'Two loops beside each other show it; 09 writes the same kind of file.' },
    { section: '21-setuid', demo: 6, wins: 8, why: 'The order of three calls: let the room dictate it.' },
  ],
  harden: [
    { section: '26-pids-io', demo: 5, wins: 10, why: 'Show the limits in one demonstration.' },
    { section: '27-devices', demo: 7, wins: 8, why: 'You type the loop and they count the jumps.' },
    { section: '28-volumes', without: [4], exercise: 15, wins: 5, why: 'The tmpfs is the same three calls.' },
    { section: '30-terminal', without: [5], exercise: 18, wins: 7, why: 'Keys, limits and rank are for home.' },
    { section: '31-init', demo: 8, wins: 12, why: 'Fork, drop, wait: type it, and let them say who is number 1.' },
    { section: '24-masked-paths', without: [3], exercise: 10, wins: 5, why: 'Only if the day begins late: --read-only is one flag.' },
  ],
  half: [
    { section: '15-uts', exercise: 0, wins: 9, why: 'A flag, a call and a clean environment: show them in 06, which has all three.' },
    { section: '14-overlay', demo: 6, wins: 9, why: 'Type the one mount.' },
  ],
  'two-hours': [
    { section: '14-overlay', exercise: 0, wins: 9, why: 'Tell what it would be: a start that copies nothing.' },
  ],
};

/** A section after the cut, as the deck has it. */
export function cut(section, { exercise, demo = exercise, whole }) {
  const left = Object.fromEntries(Object.keys(section.exercise).map((plan) => [plan, whole ? 0 : demo]));
  return { ...section, exercise: left, talk: whole ? 0 : section.talk };
}

/** `05: no exercise`, as it is said to the speaker. */
function said({ level, title }, { demo, without, whole }) {
  if (whole) return `leave out "${title}"`;
  if (demo) return `do ${level} as a demo`;
  return without ? `do ${level} without step ${without.join(' and ')}` : `leave out ${level}'s exercise`;
}

/** The cuts of a plan with what is said of them, in short (`say`) and with the minutes that are left
    (`inFull`), and what they win together up to each. */
export function cuts(name, deck, list = CUTS[name]) {
  let together = 0;
  return list.map((one) => {
    const section = deck.find(({ id }) => id === one.section) ?? {};
    together += one.wins;
    const left = one.demo ?? one.exercise;
    const say = said(section, one);
    return { ...one, say, inFull: left ? `${say}, ${left} minutes` : say, together };
  });
}

/** What is wrong with a plan's cuts. */
export function miscut(name, deck, list = CUTS[name]) {
  const { total, rows } = plan(name, deck);
  const seen = new Set();
  return list.flatMap((one) => {
    const complain = (what) => [`${name}: the cut of ${one.section} ${what}`];
    const section = deck.find(({ id }) => id === one.section);
    if (!section) return complain('is of no section of the deck');
    if (!rows.some((row) => row.section === one.section)) return complain('is of a section that the plan does not hold');
    if (seen.has(one.section)) return complain('is there twice');
    seen.add(one.section);
    const missing = (one.without ?? []).filter((step) => !hasTodo(section.level, String(step)));
    if (missing.length > 0) return complain(`leaves out step ${missing[0]}, which the level has not`);
    const left = plan(name, deck.map((each) => (each === section ? cut(section, one) : each))).total;
    if (total - left !== one.wins) return complain(`claims ${one.wins} minutes, and wins ${total - left}`);
    return one.wins > 0 ? [] : complain('wins nothing');
  });
}
