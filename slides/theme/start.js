// Starts the deck. In the address: ?plan=half, or another plan, shows what that plan holds, #/16-pid
// opens a section, ?print-pdf lays everything out for the printer. Times are theme/day.js's.
(() => {
  // <!-- .element: class="fragment" --> belongs to what stands before it: the paragraph
  // or item whose text it ends, or, alone on its line, the whole block above.
  const comments = document.createTreeWalker(document.querySelector('.slides'), NodeFilter.SHOW_COMMENT);
  while (comments.nextNode()) {
    const comment = comments.currentNode;
    const attributes = /^ *\.element: *(.*?) *$/.exec(comment.data);
    if (!attributes) continue;
    const inText = comment.previousSibling?.data?.trim() || comment.parentElement.matches('p, li, td, th, h1, h2, h3');
    const element = inText ? comment.parentElement : comment.previousElementSibling;
    for (const [, name, value] of attributes[1].matchAll(/([a-z-]+)="([^"]*)"/g)) {
      if (name === 'class') element.classList.add(...value.split(' '));
      else element.setAttribute(name, value);
    }
  }

  const plan = new URLSearchParams(location.search).get('plan');
  if (['full', 'half', 'two-hours', 'harden'].includes(plan)) {
    for (const section of document.querySelectorAll('[data-plans]')) {
      if (!section.dataset.plans.split(' ').includes(plan)) section.remove();
    }
    for (const slide of document.querySelectorAll(`[data-timing-${plan}]`)) {
      slide.dataset.timing = slide.getAttribute(`data-timing-${plan}`);
    }
    for (const minutes of document.querySelectorAll(`[data-${plan}]`)) {
      minutes.textContent = minutes.getAttribute(`data-${plan}`);
    }
  }

  // In the footer and not by reveal: so it grows with the slide, and is on paper too.
  const footers = [...document.querySelectorAll('section:not(.pause) > .slide > footer')];
  footers.forEach((footer, index) => { footer.dataset.number = `${index + 1} / ${footers.length}`; });

  Reveal.initialize({
    width: 1280, height: 720, margin: 0, minScale: 0.1, maxScale: 4,
    center: false, hash: true, controls: false, progress: false, defaultTiming: 60,
    navigationMode: 'linear', transition: 'fade', transitionSpeed: 'fast', backgroundTransition: 'none',
    pdfMaxPagesPerSlide: 1, pdfSeparateFragments: false,
    plugins: [RevealNotes],
  });
})();
