// Puts the X-ray of a lesson's solution into the page: a frame above the link that leads to it.
// Not in the HTML, since on the page of all pages, which is for paper, every frame would be loaded.
(() => {
    const figures = document.querySelectorAll('figure.xray');
    if (figures.length !== 1) return;
    const [figure] = figures;
    const frame = document.createElement('iframe');
    frame.loading = 'lazy';
    frame.title = figure.dataset.title;
    frame.src = figure.querySelector('a').href;
    figure.prepend(frame);
})();
