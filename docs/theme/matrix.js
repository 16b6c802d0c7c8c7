// The table of escapes as a matrix: a row for each, a column for each level. The table stays in
// the page: it is what a forge shows, what is printed, and what is there without this script.
(() => {
    const LEVELS = lessons();
    const STATES = {
        works: 'works',
        stops: 'stopped here, and from here on',
        stopped: 'stopped',
        later: 'not possible yet',
    };
    const table = [...document.querySelectorAll('main table')].find(isTable);
    if (!table || location.pathname.endsWith('/print.html')) return;

    const labels = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
    const escapes = [...table.tBodies[0].rows].map((row, index) => read([...row.cells], index));
    const wrapper = table.closest('.table-wrapper') ?? table;
    wrapper.classList.add('matrix-paper');
    wrapper.before(draw());

    // The numbers of the levels: those that the table of contents has a lesson of.
    function lessons() {
        const paths = [...document.querySelectorAll('nav a')].map((link) => link.getAttribute('href') ?? '');
        return [...new Set(paths.flatMap((path) => /\blessons\/(\d\d)\.html$/.exec(path)?.[1] ?? []))].sort();
    }

    // Its fifth column has a level in bold, or none; no other table has that.
    function isTable(each) {
        const rows = [...each.tBodies[0]?.rows ?? []];
        const stops = rows.map(({ cells }) => cells[4]?.querySelector('strong')?.textContent ?? '');
        return rows.length > 0 && stops.some(Boolean) && stops.every((stop) => ['', ...LEVELS].includes(stop));
    }

    // Since when it can be tried: "07" is up to that solution, "01 only" and "02 to 05" begin there;
    // in words, it is in all of them.
    function read(cells, index) {
        const [, first = 0] = /^(\d\d) \S/.exec(cells[3].textContent) ?? [];
        const stop = cells[4].querySelector('strong')?.textContent ?? LEVELS.length;
        return { cells, id: `escape-${index + 1}`, first: Number(first), stop: Number(stop) };
    }

    function stateOf({ first, stop }, level) {
        if (level < first) return 'later';
        if (level < stop) return 'works';
        return level === stop ? 'stops' : 'stopped';
    }

    function draw() {
        const matrix = make('div', { class: 'matrix' });
        matrix.style.setProperty('--levels', LEVELS.length);
        const only = make('input', { type: 'checkbox', id: 'matrix-open' });
        const count = make('span', { class: 'count', role: 'status' });
        const legend = make('p', { class: 'legend' });
        for (const [state, words] of Object.entries(STATES)) {
            const sign = make('span', { class: `cell ${state}`, 'aria-hidden': 'true' }, signOf(state, '05'));
            legend.append(make('span', {}, sign, ` ${words}`), ' ');
        }
        const drawn = make('table', { role: 'table', 'aria-label': 'Which level stops which escape' });
        const head = make('tr', { role: 'row' }, make('th', { scope: 'col', role: 'columnheader' }, labels[0]));
        for (const level of LEVELS) {
            head.append(make('th', { scope: 'col', role: 'columnheader' }, make('a', { href: `lessons/${level}.html` }, level)));
        }
        const body = make('tbody', { role: 'rowgroup' });
        for (const escape of escapes) body.append(...rowsOf(escape));
        drawn.append(make('thead', { role: 'rowgroup' }, head), body);
        only.addEventListener('change', filter);
        filter();
        matrix.append(
            legend,
            make('p', { class: 'filter' }, make('label', {}, only, ' only what is still open'), count),
            drawn,
        );
        return matrix;

        function filter() {
            let shown = 0;
            for (const { row, stop } of escapes) {
                row.hidden = only.checked && stop < LEVELS.length;
                if (!row.hidden) shown += 1;
                showDetail(row);
            }
            count.textContent = `${shown} of ${escapes.length}; press one to see how it is tried`;
        }
    }

    function rowsOf(escape) {
        const button = make('button', { type: 'button', 'aria-expanded': 'false', 'aria-controls': escape.id });
        button.append(...copy(escape.cells[0]));
        const row = make('tr', { role: 'row', class: 'escape' }, make('th', { scope: 'row', role: 'rowheader' }, button));
        for (const [level, name] of LEVELS.entries()) {
            const state = stateOf(escape, level);
            const cell = make('td', { role: 'cell', class: `cell ${state}` });
            cell.append(make('span', { 'aria-hidden': 'true' }, signOf(state, name)), make('span', { class: 'heard' }, STATES[state]));
            row.append(cell);
        }
        const list = make('dl', {});
        for (const column of [1, 2, 3, 4, 5]) {
            if (escape.cells[column]?.textContent.trim()) {
                list.append(make('dt', {}, labels[column]), make('dd', {}, ...copy(escape.cells[column])));
            }
        }
        const detail = make('tr', { role: 'row', class: 'detail', id: escape.id }, make('td', { role: 'cell', colspan: String(LEVELS.length + 1) }, list));
        button.addEventListener('click', () => {
            button.setAttribute('aria-expanded', String(button.getAttribute('aria-expanded') === 'false'));
            showDetail(row);
        });
        Object.assign(row, { button, detail });
        escape.row = row;
        return [row, detail];
    }

    function showDetail({ hidden, button, detail }) {
        detail.hidden = hidden || button.getAttribute('aria-expanded') === 'false';
    }

    function signOf(state, level) {
        return { stopped: '–', later: '·' }[state] ?? level;
    }

    function copy(cell) {
        return [...cell.cloneNode(true).childNodes];
    }

    function make(name, attributes, ...children) {
        const it = document.createElement(name);
        for (const [key, value] of Object.entries(attributes)) it.setAttribute(key, value);
        it.append(...children);
        return it;
    }
})();
