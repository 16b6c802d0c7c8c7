// A plan as a page of the book, for a sheet of paper on the instructor's table.
import { cuts } from './cuts.mjs';
import { clock } from './day.mjs';
import { plan } from './plan.mjs';

/** The plans that have such a page, and its name below docs/src/class. */
export const SHEETS = { full: 'day-sheet', harden: 'second-day-sheet' };

const PARTS = { full: 'Part I', harden: 'Part II', half: 'half a day', 'two-hours': 'two hours' };

/** The page, in Markdown. The column in the middle is for a pencil. */
export function sheet(name, deck, start) {
  const { slot, total, rows } = plan(name, deck);
  const at = (minutes) => clock(start, minutes);
  const row = ({ begin, latest, level = '', title, talk, exercise, pause, minutes }) => (pause
    ? `| ${at(begin)} | | | | *${title}, back at ${at(begin + minutes)}* | | *${minutes}* |`
    : `| ${at(begin)} | ${at(latest)} | | ${level} | ${title} | ${talk} | ${exercise || ''} |`);
  const cutting = ({ wins, together, inFull, why }) => `| ${wins} | ${together} | ${inFull[0].toUpperCase()}${inFull.slice(1)} | ${why} |`;
  return `# Day sheet: ${PARTS[name]}

${at(0)} to ${at(slot)}, ${slot - total} minutes to spare. Write down when each section really began. When its latest time comes,
go on with everybody: the next level has the solution. The talk has in it the minute or two, after the exercise, in
which you look at what broke.

| by plan | latest | real | level | section | talk | exercise |
|---|---|---|---|---|---|---|
${rows.map(row).join('\n')}
| ${at(total)} | ${at(slot)} | | | the end | | |

## When the room is late

In this order, of what is still to come. Never cut a pause, or the look at what broke.

| wins | together | what | why, or what in its place |
|---|---|---|---|
${cuts(name, deck).map(cutting).join('\n')}`;
}
