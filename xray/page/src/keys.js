// The keyboard: arrows, Home, End and the space bar, where nothing else wants them.

const typed = (target) => target.closest?.('input, select, textarea, button, summary, [contenteditable]');

export function listen({ move, first, last, play }) {
  document.addEventListener('keydown', (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return;
    const inCode = event.target.closest?.('pre');
    const doing = {
      ArrowRight: () => move(1), ArrowLeft: () => move(-1), Home: first, End: last, ' ': play,
    }[event.key];
    if (!doing || (event.key === ' ' ? typed(event.target) : event.target.matches?.('input')) || (inCode && event.key !== ' ' && inCode.scrollWidth > inCode.clientWidth)) return;
    event.preventDefault();
    doing();
  });
}
