// npm test                        builds the deck and tests all of it
// npm test -- --section 16-pid    one section, as its writer wants it
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { slidesDir } from '../lib/deck.mjs';

const { values: { section } } = parseArgs({ options: { section: { type: 'string' } } });
const tests = section ? ['section.test.mjs'] : readdirSync(join(slidesDir, 'test')).filter((name) => name.endsWith('.test.mjs'));
const { status } = spawnSync(process.execPath, ['--test', '--test-reporter=spec', ...tests.map((name) => join(slidesDir, 'test', name))], {
  stdio: 'inherit',
  env: { ...process.env, SECTION: section ?? '' },
});
process.exitCode = status ?? 1;
