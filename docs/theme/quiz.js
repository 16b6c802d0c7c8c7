// "Three questions": answer first, then see. Each `details` of that section becomes a question
// with a place to write and a button; then the answer unfolds, and the reader says how it went.
// That is kept in this browser, and what was written is not. Without this script, and on the
// page of all pages, the answers fold as they do on a forge.
(() => {
    const heading = document.getElementById('three-questions');
    if (!heading || location.pathname.endsWith('/print.html')) return;
    const SAYS = { had: 'I had it', partly: 'partly', 'not-yet': 'not yet' };
    const KEY = 'rubber-docker-questions';
    const chapter = location.pathname.split('/').at(-1).replace('.html', '');
    const details = [];
    for (let next = heading.nextElementSibling; next && !/^H[12]$/.test(next.tagName); next = next.nextElementSibling) {
        if (next.tagName === 'DETAILS') details.push(next);
    }
    if (details.length === 0) return;

    const kept = read()[chapter];
    const results = Array.isArray(kept) ? kept : [];
    const questions = details.map(question);
    const summary = make('p', { class: 'quiz-result' });
    const words = make('span', { role: 'status' });
    const clear = make('button', { type: 'button' }, 'Clear');
    clear.setAttribute('aria-label', 'Clear the results of this chapter');
    clear.addEventListener('click', () => {
        questions.forEach((it, index) => {
            delete results[index];
            it.reset();
        });
        keep();
        show();
        questions[0].field.focus();
    });
    summary.append(words, clear);
    heading.after(summary);
    show();

    function question(folded, index) {
        const title = folded.querySelector('summary');
        const box = make('section', { class: 'quiz', 'aria-labelledby': `question-${index + 1}` });
        const text = make('p', { class: 'question', id: `question-${index + 1}` });
        text.append(...[...title.childNodes].map((node) => node.cloneNode(true)));
        const label = make('label', { for: `thought-${index + 1}` }, 'What do you think?');
        const field = make('textarea', { id: `thought-${index + 1}`, rows: '3', 'aria-describedby': text.id });
        const compare = make('button', { type: 'button', 'aria-expanded': 'false', 'aria-controls': `answer-${index + 1}` }, 'Compare');
        const answer = make('div', { class: 'answer', id: `answer-${index + 1}`, tabindex: '-1', role: 'group', 'aria-label': 'The answer' });
        for (const node of [...folded.childNodes]) if (node !== title) answer.append(node);
        const choices = make('fieldset', {}, make('legend', {}, 'How was yours?'));
        for (const [result, words] of Object.entries(SAYS)) {
            const radio = make('input', { type: 'radio', name: `result-${index + 1}`, value: result });
            radio.addEventListener('change', () => {
                results[index] = result;
                keep();
                show();
            });
            choices.append(make('label', {}, radio, ` ${words}`));
        }
        answer.append(choices);
        box.append(text, label, field, compare, answer);
        folded.replaceWith(box);
        compare.addEventListener('click', () => {
            unfold();
            answer.focus();
        });
        const radios = [...choices.querySelectorAll('input')];
        const chosen = radios.find(({ value }) => value === results[index]);
        if (chosen) chosen.checked = true;
        fold();
        return {
            field,
            reset() {
                field.value = '';
                for (const radio of radios) radio.checked = false;
                fold();
            },
        };

        function unfold() {
            box.classList.remove('folded');
            compare.setAttribute('aria-expanded', 'true');
        }

        // By a class and not by `hidden`: on paper the answer is there.
        function fold() {
            box.classList.add('folded');
            compare.setAttribute('aria-expanded', 'false');
        }
    }

    function show() {
        const said = Object.entries(SAYS).map(([result, words]) => [words, results.filter((it) => it === result).length]);
        const some = said.filter(([, count]) => count > 0).map(([words, count]) => `${words}: ${count}`);
        words.textContent = some.length === 0 ? '' : `Of ${questions.length} questions: ${some.join(', ')}.`;
        summary.hidden = some.length === 0;
    }

    // Some browsers keep nothing for a page from the file system, or for anybody: then it is known
    // until the page is closed.
    function read() {
        try {
            return JSON.parse(localStorage.getItem(KEY)) ?? {};
        } catch {
            return {};
        }
    }

    function keep() {
        try {
            const all = read();
            if (results.some(Boolean)) all[chapter] = results;
            else delete all[chapter];
            localStorage.setItem(KEY, JSON.stringify(all));
        } catch {
            // Not kept.
        }
    }

    function make(name, attributes, ...children) {
        const it = document.createElement(name);
        for (const [key, value] of Object.entries(attributes)) it.setAttribute(key, value);
        it.append(...children);
        return it;
    }
})();
