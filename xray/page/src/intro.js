// What one is looking at: said once, at the first step, also on paper.

import { html, nothing } from 'lit-html';

export function introView(context) {
  const [program] = context.argv;
  const where = context.isPrint ? 'Each step is one system call, or some like it: first the call and the line that makes it' : 'The list has the lines of the program, and below each the calls it makes. Beside it is one call, with its line';
  return html`
    <div class="intro">
      <p><code>${context.argv.join(' ')}</code> was run once and watched: here is each system call by which it makes a container. <code>${program.split('/').pop()}</code>, the program that one writes in a level of the workshop, is p1 here and is called “the level”; p2 is its first child.</p>
      <p>${where}; then what the kernel shows of the host and of the process once the call is done. <span class="key"><b class="new">+</b> is new, <b class="gone">−</b> is gone, <b class="changed">~</b> is another one than before.</span> A namespace with a dashed frame is the host’s, with a solid one the process’s own.${context.isPrint ? nothing : html` The keys <kbd>→</kbd> and <kbd>←</kbd> go from step to step.`}</p>
    </div>`;
}
