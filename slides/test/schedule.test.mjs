// The plans fit their slots, their cuts win what they claim, and the command prints both.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { CUTS, cuts, miscut } from '../lib/cuts.mjs';
import { advice, taken } from '../lib/day.mjs';
import { PLANS, readDeck, repository, slidesDir } from '../lib/deck.mjs';
import { readMinutes } from '../lib/minutes.mjs';
import { SLOTS, misplanned, plan } from '../lib/plan.mjs';
import { SHEETS } from '../lib/sheet.mjs';

const deck = readDeck();
const schedule = (...args) => spawnSync(process.execPath, [join(slidesDir, 'schedule.mjs'), ...args], { encoding: 'utf8' });

for (const name of PLANS) {
  describe(name, () => {
    test('fits its slot, with pauses', () => assert.deepEqual(misplanned(name, deck), []));
    test('begins each level in time when it begins it as planned', () => {
      for (const { begin, latest } of plan(name, deck).rows) assert.ok(begin <= latest);
    });
    test('has cuts, each of a section that it holds, which win what they claim', () => assert.deepEqual(miscut(name, deck), []));
    test('is printed', () => {
      const { status, stdout, stderr } = schedule(name, '--start', '13:30');
      assert.equal(stderr, '');
      assert.equal(status, 0);
      assert.match(stdout, new RegExp(`^${SLOTS[name].title}, 13:30 to `));
      assert.match(stdout, /\n13:30 {3}1[345]:\d\d {3} {4}(Opening|The second day)/);
      for (const { inFull, why } of cuts(name, deck)) assert.ok(stdout.includes(`  ${inFull}\n                ${why}\n`), inFull);
      for (const { pause, title, begin, minutes } of plan(name, deck).rows.filter((row) => row.pause)) {
        assert.ok(pause && stdout.includes(`-- ${title}, ${minutes} minutes, back at `), `${begin}`);
      }
    });
  });
}

// What instructors are told not to cut, nor do the cuts.
test('what people remember, and where a day leads to, is not cut', () => {
  const kept = ['12-mount-ns', '13-pivot-root', '16-pid', '20-memory', '23-capabilities', '25-seccomp', '29-sealed-self', '32-rootless'];
  for (const { section } of Object.values(CUTS).flat()) assert.ok(!kept.includes(section), section);
});

test('either day can be 40 minutes late', () => {
  for (const name of ['full', 'harden']) assert.ok(cuts(name, deck).at(-1).together >= 40, name);
});

test('who is late hears which cuts to take', () => {
  assert.equal(schedule('full', '--late', '20').stdout, "20 minutes late: leave out 05's exercise, do 07 as a demo\n");
  assert.equal(schedule('harden', '--late', '1').stdout, '1 minute late: do 14 as a demo\n');
  assert.match(schedule('full', '--late', '300').stdout, /^300 minutes late: .*\. That wins 57: stop a level earlier as well\n$/);
  assert.match(schedule('full', '--late', 'very').stderr, /"very" is not a number of minutes/);
  assert.equal(advice([], 5), '5 minutes late, and nothing is left to cut: end later, or stop a level earlier');
  assert.deepEqual(taken([{ wins: 9 }, { wins: 11 }, { wins: 8 }], 9), [{ wins: 9 }]);
});

for (const [name, page] of Object.entries(SHEETS)) {
  test(`${page}.md in the book is what the plan "${name}" says`, () => {
    const file = `docs/src/class/${page}.md`;
    const { stdout } = schedule(name, '--sheet');
    assert.equal(readFileSync(join(repository, file), 'utf8'), stdout, `npm run --silent schedule -- ${name} --sheet >../${file}`);
  });
}

test('the command is what it is said to be', () => {
  const { status, stdout } = spawnSync('npm', ['run', '--silent', 'schedule', '--', 'half', '--start', '13:30'], { cwd: slidesDir, encoding: 'utf8' });
  assert.equal(status, 0);
  assert.match(stdout, /^Half a day, 13:30 to 17:30: /);
});

test('a plan or a time that does not exist is an error that says what does', () => {
  assert.match(schedule('quarter').stderr, /no plan "quarter". npm run schedule -- full\|half\|two-hours\|harden/);
  assert.match(schedule('half', '--start', '25:00').stderr, /"25:00" is not a time of day/);
});

test('is printed for a class board, which reads title, start and rows', () => {
  const { status, stdout } = schedule('half', '--start', '13:30', '--json');
  assert.equal(status, 0);
  const { title, start, rows } = JSON.parse(stdout);
  assert.deepEqual([title, start], [SLOTS.half.title, '13:30']);
  for (const row of rows) assert.ok(row.title && Number.isInteger(row.begin) && Number.isInteger(row.minutes), JSON.stringify(row));
});

describe('minutes of a class', () => {
  const text = '# Minutes\n02 31\n02 20\n02 25\n00 9\nrd 1\n02 90\n';
  test('are a median, and what nine of ten did not exceed', () => {
    const took = readMinutes(text, 'minutes.txt');
    assert.deepEqual(took.get('02'), { count: 4, middle: 25, most: 90 });
    assert.deepEqual(took.get('00'), { count: 1, middle: 9, most: 9 });
    assert.equal(took.get('01'), undefined);
  });
  test('stand beside what was planned', () => {
    const folder = mkdtempSync(join(tmpdir(), 'minutes-'));
    try {
      const file = join(folder, 'minutes.txt');
      writeFileSync(file, text);
      const { status, stdout, stderr } = schedule('full', '--minutes', file);
      assert.equal(stderr, '');
      assert.equal(status, 0);
      assert.match(stdout, /exercise {3}took {2}most\n/);
      assert.match(stdout, / 02 .* {5}25 {4}90 {2}of 4\n/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
  test('that are none are named by file and line', () => {
    assert.throws(() => readMinutes('02 31\n2 31\n', 'minutes.txt'), /minutes\.txt:2: "2 31" is no level/);
    assert.match(schedule('full', '--minutes', '/nowhere/minutes.txt').stderr, /ENOENT.*\/nowhere\/minutes\.txt/);
  });
});
