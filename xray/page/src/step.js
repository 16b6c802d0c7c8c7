// A step, whole: used for the page and for each piece of the printed strip. Two can be shown
// beside each other.

import { html, nothing } from 'lit-html';
import { callView } from './call.js';
import { introView } from './intro.js';
import { namespacesView } from './namespaces.js';
import { rowsOf, rowsView } from './rows.js';
import { sourceView } from './source.js';
import { verdictOf, verdictText, verdictView } from './verdict.js';

/** `12` or `12–17`: as the record counts. */
export const numbers = ({ first, last }) => (last === first + 1 ? `${last}` : `${first + 1}–${last}`);

/** What there is to say about a moment, in one sentence. */
export function sentence(moment, context) {
  const failed = moment.step.error && !moment.stop.search ? ', failed' : '';
  return `Step ${numbers(moment)}: ${moment.step.call}${failed}. ${verdictText(verdictOf(rowsOf(moment, context), moment))}`;
}

export function stepView(moment, context) {
  const rows = rowsOf(moment, context);
  return html`
    <article class="step" data-step=${moment.first + 1} data-who=${moment.who}>
      <p class="where"><span class="number">Step ${numbers(moment)} <span class="of">of ${context.total}</span></span> <span class="who">${moment.step.who}${context.role(moment.step.who)}</span></p>
      ${moment.first === 0 ? introView(context) : nothing}
      ${callView(moment, context)}
      ${verdictView(verdictOf(rows, moment), moment, context)}
      ${sourceView(moment, context)}
      ${moment.isGone ? nothing : namespacesView(moment)}
      ${rowsView(rows, moment, context)}
    </article>`;
}
