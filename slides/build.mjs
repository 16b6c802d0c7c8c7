// npm run build                        the deck: dist/index.html
// npm run build -- --section 16-pid    one section of it: dist/16-pid.html
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { readDeck, slidesDir } from './lib/deck.mjs';
import { page } from './lib/render.mjs';

/** Builds, and returns the file that it has written. */
export function build(section) {
  const folder = join(slidesDir, 'dist');
  const file = join(folder, `${section ?? 'index'}.html`);
  mkdirSync(folder, { recursive: true });
  // Whoever has the page open must not meet half of it.
  writeFileSync(`${file}.${process.pid}`, page(readDeck(section)));
  renameSync(`${file}.${process.pid}`, file);
  return file;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({ options: { section: { type: 'string' } } });
  try {
    console.log(build(values.section));
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
