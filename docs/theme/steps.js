// Pictures in steps. A drawing that has them says so: `data-steps` is what is said of it before
// the first; each of its groups `.fragment` comes, or with `.fade-out` goes, at its
// `data-fragment-index`, and `data-caption` is said of it. The deck has the same groups. Without
// this script, on paper, and on the page of all pages, a picture is whole.
(() => {
    if (document.querySelector('figure.picture svg[data-steps]') === null) return;
    if (location.pathname.endsWith('/print.html')) return;
    for (const svg of document.querySelectorAll('figure.picture svg[data-steps]')) begin(svg);

    function begin(svg) {
        const groups = [...svg.querySelectorAll('.fragment')];
        const at = (group) => Number(group.dataset.fragmentIndex);
        const indices = [...new Set(groups.map(at))].sort((a, b) => a - b);
        const captions = [svg.dataset.steps, ...indices.map((index) =>
            groups.find((group) => at(group) === index && group.dataset.caption)?.dataset.caption ?? '')];
        const figure = svg.closest('figure');
        let now = 0;

        const back = button('‹', 'the step before');
        const on = button('›', 'the next step');
        const said = document.createElement('p');
        said.className = 'said';
        said.setAttribute('aria-live', 'polite');
        const steps = document.createElement('div');
        steps.className = 'steps';
        steps.setAttribute('role', 'group');
        steps.setAttribute('aria-label', 'Steps of the picture');
        steps.append(back, on, said);
        svg.after(steps);
        figure.classList.add('stepped');

        back.addEventListener('click', () => go(now - 1));
        on.addEventListener('click', () => go(now + 1));
        steps.addEventListener('keydown', (event) => {
            const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: indices.length }[event.key];
            if (to === undefined || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
            // mdBook turns the page at an arrow.
            event.preventDefault();
            event.stopPropagation();
            go(to);
        });
        show();

        function go(to) {
            if (to < 0 || to > indices.length) return;
            now = to;
            show();
        }

        function show() {
            for (const group of groups) {
                const reached = indices.indexOf(at(group)) < now;
                group.classList.toggle('away', reached === group.classList.contains('fade-out'));
            }
            back.setAttribute('aria-disabled', String(now === 0));
            on.setAttribute('aria-disabled', String(now === indices.length));
            const number = document.createElement('b');
            number.textContent = `${now + 1} of ${indices.length + 1}`;
            said.replaceChildren(number, ` ${captions[now]}`);
        }
    }

    function button(sign, label) {
        const it = document.createElement('button');
        it.type = 'button';
        it.textContent = sign;
        it.setAttribute('aria-label', label);
        return it;
    }
})();
