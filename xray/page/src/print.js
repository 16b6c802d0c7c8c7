// On paper: all steps, one after the other. They are drawn when they are asked for.

import { html, nothing, render } from 'lit-html';
import { stepView } from './step.js';

export function listen(moments, context, title) {
  const strip = document.querySelector('#strip');
  const draw = () => render(html`<h1>${title}</h1>${moments.map((moment) => stepView(moment, { ...context, isPrint: true }))}`, strip);
  const clear = () => render(nothing, strip);
  const media = matchMedia('print');
  media.addEventListener('change', () => (media.matches ? draw() : clear()));
  addEventListener('beforeprint', draw);
  addEventListener('afterprint', clear);
  if (media.matches) draw();
}
