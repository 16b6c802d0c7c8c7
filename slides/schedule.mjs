// npm run schedule -- full|half|two-hours|harden [--start 09:00]
// The plan with the time of day, and by when each section must have begun at the latest.
import { parseArgs } from 'node:util';
import { PLANS, readDeck } from './lib/deck.mjs';
import { clock, misplanned, plan } from './lib/plan.mjs';

const USAGE = 'npm run schedule -- full|half|two-hours|harden [--start 09:00]';

function schedule() {
  const { values: { start }, positionals: [name = 'full'] } = parseArgs({
    allowPositionals: true, options: { start: { type: 'string', default: '09:00' } },
  });
  if (!PLANS.includes(name)) throw new Error(`no plan "${name}". ${USAGE}`);
  if (!/^([01]?\d|2[0-3]):[0-5]\d$/.test(start)) throw new Error(`"${start}" is not a time of day. ${USAGE}`);

  const deck = readDeck();
  const { title, slot, total, rows } = plan(name, deck);
  const at = (minutes) => clock(start, minutes);
  console.log(`${title}, ${at(0)} to ${at(slot)}: ${total} minutes planned, ${slot - total} to spare\n`);
  console.log('begins  at the latest                 talk  exercise');
  for (const { begin, latest, level = '', title: what, talk, exercise, pause, minutes } of rows) {
    if (pause) console.log(`${at(begin)}                  -- ${what}, ${minutes} minutes`);
    else console.log(`${at(begin)}   ${at(latest)}   ${level.padStart(2)}  ${what.padEnd(26)}${String(talk).padStart(4)}${(exercise || '').toString().padStart(10)}`);
  }
  console.log(`${at(total)}                  the end`);
  return misplanned(name, deck);
}

try {
  const complaints = schedule();
  for (const complaint of complaints) console.error(`\n${complaint}`);
  process.exitCode = complaints.length ? 1 : 0;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
