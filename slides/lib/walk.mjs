// Goes through the deck as an audience sees it, step by step.
import { measure } from './measure.mjs';

/** Complaints about all steps of all slides on a screen of this size. */
export async function walk(page, size) {
  await page.setViewportSize(size);
  await page.evaluate(() => Reveal.layout());
  const complaints = [];
  const slides = await page.evaluate(() => Reveal.getSlides().map((slide) => ({
    ...Reveal.getIndices(slide),
    name: slide.parentElement.id,
    steps: new Set([...slide.querySelectorAll('.fragment')].map((each) => each.dataset.fragmentIndex)).size,
  })));
  for (const { h, v, name, steps } of slides) {
    for (let step = -1; step < steps; step += 1) {
      await page.evaluate((at) => Reveal.slide(...at), [h, v, step]);
      const found = await page.evaluate(measure);
      complaints.push(...found.map((each) => `${name} slide ${v + 1}${step < 0 ? '' : ` step ${step + 1}`}: ${each}`));
    }
  }
  return complaints;
}
