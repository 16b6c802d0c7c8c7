// npm run schedule -- full|half|two-hours|harden [--start 09:00] [--late MINUTES] [--minutes FILE] [--sheet|--json]
// The plan with the time of day, by when each section must have begun at the latest, and what to leave
// out when the room is late: in which order, or, with --late, which of it. With FILE, as a class board has
// written it, how long the exercises have taken. --sheet prints the page of the book that an instructor has
// on paper; --json the plan as a class board reads it.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { cuts, miscut } from './lib/cuts.mjs';
import { advice, clock, isTime } from './lib/day.mjs';
import { PLANS, readDeck } from './lib/deck.mjs';
import { readMinutes } from './lib/minutes.mjs';
import { misplanned, plan } from './lib/plan.mjs';
import { sheet } from './lib/sheet.mjs';

const USAGE = 'npm run schedule -- full|half|two-hours|harden [--start 09:00] [--late MINUTES] [--minutes FILE] [--sheet|--json]';

// Half of them took no longer, and nine of ten; of how many.
const columns = (took) => (took ? `${String(took.middle).padStart(7)}${String(took.most).padStart(6)}  of ${took.count}` : '');

function schedule() {
  const { values: { start, late, minutes: file, sheet: asSheet, json, help }, positionals: [name = 'full'] } = parseArgs({
    allowPositionals: true,
    options: {
      start: { type: 'string', default: '09:00' },
      late: { type: 'string' },
      minutes: { type: 'string' },
      sheet: { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (help) {
    console.log(USAGE);
    return [];
  }
  if (!PLANS.includes(name)) throw new Error(`no plan "${name}". ${USAGE}`);
  if (!isTime(start)) throw new Error(`"${start}" is not a time of day. ${USAGE}`);
  if (late !== undefined && !/^[1-9]\d*$/.test(late)) throw new Error(`"${late}" is not a number of minutes. ${USAGE}`);

  const deck = readDeck();
  const took = file === undefined ? undefined : readMinutes(readFileSync(file, 'utf8'), file);
  if (late) console.log(advice(cuts(name, deck), Number(late)));
  else if (asSheet) console.log(sheet(name, deck, start));
  else if (json) console.log(asJson(name, deck, start));
  else table(name, deck, start, took);
  return [...misplanned(name, deck), ...miscut(name, deck)];
}

function asJson(name, deck, start) {
  const { title, slot, rows } = plan(name, deck);
  return JSON.stringify({ title, start, slot, rows });
}

function table(name, deck, start, took) {
  const { title, slot, total, rows } = plan(name, deck);
  const at = (minutes) => clock(start, minutes);
  const width = Math.max(...rows.map((row) => row.title.length));
  console.log(`${title}, ${at(0)} to ${at(slot)}: ${total} minutes planned, ${slot - total} to spare\n`);
  console.log(`begins  at the latest  ${' '.repeat(width)}  talk  exercise${took ? '   took  most' : ''}`);
  for (const { begin, latest, level = '', title: what, talk, exercise, pause, minutes } of rows) {
    if (pause) console.log(`${at(begin)}                  -- ${what}, ${minutes} minutes, back at ${at(begin + minutes)}`);
    else console.log(`${at(begin)}   ${at(latest)}   ${level.padStart(2)}  ${what.padEnd(width)}${String(talk).padStart(8)}${(exercise || '').toString().padStart(10)}${columns(took?.get(level))}`);
  }
  console.log(`${at(total)}                  the end`);
  if (took) console.log('\ntook, most: from one level to the next, talk and exercise together; half of the learners, and nine of ten, took no longer');
  console.log('\nwhen the room is late, in this order:\n\nwins  together');
  for (const { wins, together, inFull, why } of cuts(name, deck)) {
    console.log(`${String(wins).padStart(4)}${String(together).padStart(10)}  ${inFull}\n                ${why}`);
  }
}

try {
  const complaints = schedule();
  for (const complaint of complaints) console.error(`\n${complaint}`);
  process.exitCode = complaints.length ? 1 : 0;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
