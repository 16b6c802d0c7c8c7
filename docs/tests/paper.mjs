// Looks at a page as it is printed.

// Paper as wide as A4 between the margins of print.css.
const A4 = { width: 658, height: 1000 };

// What is to be on so many sheets at most, for the table, the wall and the pocket.
const SHEETS = {
    'class/day-sheet.html': 1, 'class/second-day-sheet.html': 1, 'class/helpers.html': 2,
    'class/room.html': 2, 'class/feedback.html': 2, 'class/conduct.html': 1,
};

// `look` is called while the page is laid out for paper.
export async function onPaper(tab, look) {
    const screen = tab.viewportSize();
    await tab.emulateMedia({ media: 'print' });
    await tab.setViewportSize(A4);
    const found = await look();
    await tab.setViewportSize(screen);
    await tab.emulateMedia({ media: null });
    return found;
}

// What is folded on the screen must not be missing, and a sheet is one sheet.
export async function paperFaults(tab, page) {
    const faults = await onPaper(tab, () => tab.evaluate(() => {
        const inside = [...document.querySelectorAll('main details > :not(summary)')];
        const hidden = inside.filter((element) => !element.checkVisibility());
        const faults = hidden.length > 0 ? [`on paper ${hidden.length} pieces are folded away`] : [];
        const { backgroundColor } = getComputedStyle(document.body);
        if (!['rgb(255, 255, 255)', 'rgba(0, 0, 0, 0)'].includes(backgroundColor)) faults.push(`paper is ${backgroundColor}`);
        const edge = document.documentElement.clientWidth + 1;
        const wide = [...document.querySelectorAll('main :is(table, pre, figure)')].filter((element) => element.getBoundingClientRect().width > 0 && (element.getBoundingClientRect().right > edge || element.scrollWidth > element.clientWidth + 1));
        if (wide.length > 0) faults.push(`is wider than paper: <${wide[0].tagName.toLowerCase()}> "${wide[0].textContent.trim().slice(0, 40)}", ${wide.length} in all`);
        return faults;
    }));
    const wanted = page.startsWith('cheatsheets/') ? 1 : SHEETS[page];
    if (wanted) {
        const pdf = await tab.pdf({ format: 'A4', preferCSSPageSize: true });
        const sheets = pdf.toString('latin1').match(/\/Type \/Page\b/g).length;
        if (sheets > wanted) faults.push(`is printed on ${sheets} sheets, and should be on ${wanted}`);
    }
    return faults;
}
