// A call as one writes it, with what it has returned.

import { html, nothing } from 'lit-html';

/** In one line, for the timeline. */
export const callText = (step, short) => `${step.call}(${short((step.arguments ?? []).join(', '))})`;

export function resultText({ step, stop }) {
  if (step.error) return `−1 ${step.error.errno}`;
  if (step.born) return step.born;
  if (step.call === 'exit' || (step.call.startsWith('execve') && !step.error)) return undefined;
  return stop.times > 1 ? undefined : '0';
}

const capital = (text) => (text ? text[0].toUpperCase() + text.slice(1) : '');
/** What a call is for; of one that starts a process, who starts whom. */
const doing = ({ step, stop }) => (step.born ? stop.does.replace(/^a child/, `${step.who} starts a child, ${step.born}: a copy of itself`) : capital(stop.does));

// What stands between backticks is code.
const withCode = (text) => text.split('`').map((part, at) => (at % 2 ? html`<code>${part}</code>` : withStress(part)));
// And between asterisks, what is stressed.
const withStress = (text) => text.split('*').map((part, at) => (at % 2 ? html`<em>${part}</em>` : part));

export function callView(moment, context) {
  const { step, stop } = moment;
  const isFailure = step.error && !stop.search;
  const result = resultText(moment);
  const parts = step.arguments ?? [];
  return html`
    <h2 class="call ${isFailure ? 'failed' : ''}"><code><b>${step.call}</b>(${parts.map((part, at) => html`${at > 0 ? ', ' : nothing}<span class="argument">${context.short(part)}</span>`)})${result === undefined ? nothing : html` <span class="result">= ${result}</span>`}</code>${stop.times > 1 ? html` <span class="times">×${stop.times}</span>` : nothing}</h2>
    ${stop.search ? html`<p class="does">It looks for the command in <code>PATH</code>: not in ${stop.times > 1 ? `these ${stop.times} directories` : 'this directory'}.</p>`
      : moment.first === 0 ? html`<p class="does">Here the level begins.</p>`
      : isFailure && stop.does ? html`<p class="does failed">What it is for: ${withCode(stop.does)}.</p>`
      : stop.does ? html`<p class="does">${withCode(doing(moment))}.</p>` : nothing}
    ${stop.others && !stop.search ? html`<p class="others-named">${context.short(stop.others)}</p>` : nothing}
    ${isFailure ? html`<div class="failure" role="note"><p><b>The call has failed: ${step.error.errno}</b> (${step.error.words})</p>${step.error.why ? html`<p>${withCode(capital(step.error.why))}.</p>` : nothing}</div>` : nothing}`;
}
