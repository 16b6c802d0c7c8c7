// npm run pictures -- 16-pid DIRECTORY [--steps]
// A picture of each slide of a section (with --steps: of each of its steps), for looking.
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from './build.mjs';
import { openDeck } from './lib/browser.mjs';

const { values, positionals: [section, directory = '.'] } = parseArgs({ allowPositionals: true, options: { steps: { type: 'boolean' } } });
const folder = resolve(process.env.INIT_CWD ?? '.', directory);
mkdirSync(folder, { recursive: true });
const { page, close } = await openDeck(build(section), { width: 1280, height: 720 });
try {
  const slides = await page.evaluate(() => Reveal.getSlides().map((slide) => ({ ...Reveal.getIndices(slide), steps: new Set([...slide.querySelectorAll('.fragment')].map((each) => each.dataset.fragmentIndex)).size })));
  for (const [index, { h, v, steps }] of slides.entries()) {
    for (let step = values.steps ? -1 : steps - 1; step < steps; step += 1) {
      await page.evaluate((at) => Reveal.slide(...at), [h, v, step]);
      const name = `${String(index + 1).padStart(2, '0')}${values.steps ? `-${step + 1}` : ''}.png`;
      await page.screenshot({ path: join(folder, name) });
    }
  }
  console.log(`${slides.length} slides in ${folder}`);
} finally {
  await close();
}
