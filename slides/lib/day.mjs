// What the schedule and the speaker's window both work out. These functions go into the page as
// text (lib/render.mjs), so each knows nothing but what it is given.

/** `09:00` and minutes: `10:30`. */
export function clock(start, minutes) {
  const [hours, rest] = start.split(':').map(Number);
  const time = hours * 60 + rest + minutes;
  return `${String(Math.floor(time / 60) % 24).padStart(2, '0')}:${String(time % 60).padStart(2, '0')}`;
}

/** Whether it is a time of day, as `clock` wants one. */
export function isTime(text) {
  return /^([01]?\d|2[0-3]):[0-5]\d$/.test(text);
}

/** The first cuts, in their order, that win so many minutes together; all, if they do not. */
export function taken(cuts, late) {
  const before = (index) => cuts.slice(0, index).reduce((sum, { wins }) => sum + wins, 0);
  return cuts.filter((cut, index) => before(index) < late);
}

/** Who is so late, with these cuts still to come, does what? */
export function advice(cuts, late) {
  const list = taken(cuts, late);
  const won = list.reduce((sum, { wins }) => sum + wins, 0);
  const minutes = (number) => `${number} minute${number === 1 ? '' : 's'}`;
  if (list.length === 0) return `${minutes(late)} late, and nothing is left to cut: end later, or stop a level earlier`;
  const short = won < late ? `. That wins ${won}: stop a level earlier as well` : '';
  return `${minutes(late)} late: ${list.map(({ say }) => say).join(', ')}${short}`;
}
