// npm test: what .ci/xray-page.sh has made in XRAY_PAGES, opened in a browser. XRAY is the
// program that makes a page.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

if (!process.env.XRAY_PAGES) {
  console.error('there are no pages to look at: .ci/xray-page.sh makes them, and starts this');
  process.exit(125);
}
const here = fileURLToPath(new URL('.', import.meta.url));
const tests = readdirSync(here).filter((name) => name.endsWith('.test.mjs'));
const { status } = spawnSync(process.execPath, ['--test', '--test-reporter=spec', ...tests.map((name) => join(here, name))], { stdio: 'inherit' });
process.exitCode = status ?? 1;
