// What a reader's keyboard and ears need and mdBook does not give, and two themes instead of five.
(() => {
    const element = (name, properties) => Object.assign(document.createElement(name), properties);
    const byId = (id) => document.getElementById(id);

    // The first key leads past the list of chapters.
    byId('mdbook-content').tabIndex = -1;
    document.body.prepend(element('a', { className: 'skip', href: '#mdbook-content', textContent: 'Skip to the text' }));
    byId('mdbook-menu-bar').setAttribute('role', 'banner');
    byId('mdbook-help-popup').setAttribute('role', 'dialog');
    byId('mdbook-help-popup').setAttribute('aria-label', 'Keyboard shortcuts');
    byId('mdbook-search-wrapper').setAttribute('role', 'search');
    byId('mdbook-searchbar').setAttribute('aria-label', 'Search this book');
    byId('mdbook-searchbar').setAttribute('aria-describedby', 'mdbook-searchresults-header');

    // house.css makes one light and one dark theme of all.
    for (const name of ['rust', 'coal', 'ayu']) byId(`mdbook-theme-${name}`)?.parentElement.remove();
    byId('mdbook-theme-navy').textContent = 'Dark';

    // The list of chapters is opened by a label, to which no key leads.
    const label = byId('mdbook-sidebar-toggle');
    const isOpen = byId('mdbook-sidebar-toggle-anchor');
    const button = element('button', { type: 'button', className: 'icon-button', title: 'Table of contents', innerHTML: label.innerHTML });
    const tell = () => button.setAttribute('aria-expanded', isOpen.checked);
    button.setAttribute('aria-label', 'Table of contents');
    button.setAttribute('aria-controls', 'mdbook-sidebar');
    button.addEventListener('click', () => label.click());
    isOpen.addEventListener('change', tell);
    label.removeAttribute('aria-expanded');
    label.before(button);
    tell();

    // The corner of a table heads nothing. Markdown has no other way to write it.
    for (const corner of document.querySelectorAll('th:empty')) corner.replaceWith(document.createElement('td'));

    // As on the slides: what is typed stands out from what is answered.
    for (const code of document.querySelectorAll('code.language-console')) {
        let isTyped = false;
        const lines = code.textContent.replace(/\n$/, '').split('\n').map((line) => {
            const [, indent, prompt, command] = /^(\s*)((?:host)?\$ |> )(.*)$/.exec(line) ?? [];
            isTyped = Boolean(prompt) && (prompt !== '> ' || isTyped);
            if (!isTyped) return [element('i', { textContent: line })];
            return [indent, element('span', { className: 'prompt', textContent: prompt }), element('b', { textContent: command })];
        });
        code.classList.add('console');
        code.replaceChildren(...lines.flatMap((line) => [...line, '\n']));
    }

    // What scrolls sideways is reached by Tab and moved by the arrows, which else turn the page.
    const wide = document.querySelectorAll('.content pre > code, .content .table-wrapper, .content .picture, .content .forty');
    const look = () => {
        for (const area of wide) {
            const scrolls = area.scrollWidth > area.clientWidth;
            area.toggleAttribute('tabindex', scrolls);
            if (scrolls) area.tabIndex = 0;
        }
    };
    for (const area of wide) {
        area.addEventListener('keydown', (event) => {
            if (['ArrowLeft', 'ArrowRight'].includes(event.key)) event.stopPropagation();
        });
    }
    addEventListener('resize', look);
    document.fonts.ready.then(look);
    look();
})();
