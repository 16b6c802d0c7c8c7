// The plans fit their slots, and the command prints them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { PLANS, readDeck, slidesDir } from '../lib/deck.mjs';
import { SLOTS, misplanned, plan } from '../lib/plan.mjs';

const deck = readDeck();
const schedule = (...args) => spawnSync(process.execPath, [join(slidesDir, 'schedule.mjs'), ...args], { encoding: 'utf8' });

for (const name of PLANS) {
  describe(name, () => {
    test('fits its slot, with pauses', () => assert.deepEqual(misplanned(name, deck), []));
    test('begins each level in time when it begins it as planned', () => {
      for (const { begin, latest } of plan(name, deck).rows) assert.ok(begin <= latest);
    });
    test('is printed', () => {
      const { status, stdout, stderr } = schedule(name, '--start', '13:30');
      assert.equal(stderr, '');
      assert.equal(status, 0);
      assert.match(stdout, new RegExp(`^${SLOTS[name].title}, 13:30 to `));
      assert.match(stdout, /\n13:30 {3}1[345]:\d\d {3}( {4}Opening|12  Paths)/);
    });
  });
}

test('a plan or a time that does not exist is an error that says what does', () => {
  assert.match(schedule('quarter').stderr, /no plan "quarter". npm run schedule -- full\|half\|two-hours\|harden/);
  assert.match(schedule('half', '--start', '25:00').stderr, /"25:00" is not a time of day/);
});
