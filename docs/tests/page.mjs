// What is asked of a page, from inside of it: these functions run in the browser and
// know nothing but the page.

// What a reader would stumble over.
export function faultsOf(theme) {
    const faults = [];
    const name = (element) => `<${element.tagName.toLowerCase()}> "${element.textContent.trim().slice(0, 40)}"`;

    if (!document.documentElement.classList.contains(theme)) faults.push('is not in this theme');

    const page = document.documentElement;
    const content = document.querySelector('.content');
    for (const box of [page, content]) {
        if (box.scrollWidth > box.clientWidth) faults.push(`${box.className.split(' ')[0]} scrolls sideways`);
    }

    // What is too wide must scroll in itself: mdBook cuts off what sticks out.
    const scrolls = (element) => {
        for (let box = element; box !== content; box = box.parentElement) {
            if (['auto', 'scroll'].includes(getComputedStyle(box).overflowX)) return true;
        }
        return false;
    };
    const edges = content.getBoundingClientRect();
    for (const element of content.querySelectorAll('main *')) {
        const { right, left, width } = element.getBoundingClientRect();
        if (width > 0 && (right > edges.right + 1 || left < edges.left - 1) && !scrolls(element.parentElement)) {
            faults.push(`sticks out of the page: ${name(element)}`);
            break; // what is in it would stick out as well
        }
    }

    // A command is read, not scrolled for, on a phone.
    if (innerWidth < 600) {
        const wide = [...document.querySelectorAll('pre > code.language-console')].filter((code) => code.scrollWidth > code.clientWidth);
        if (wide.length > 0) faults.push(`${wide.length} transcripts scroll sideways: ${name(wide[0])}`);
    }

    for (const image of document.querySelectorAll('img')) {
        if (!image.complete || image.naturalWidth === 0) faults.push(`picture is missing: ${image.src}`);
    }

    for (const picture of document.querySelectorAll('.picture')) {
        const svg = picture.querySelector('svg');
        if (!svg) {
            faults.push(`has no picture: ${name(picture)}`);
            continue;
        }
        const frame = svg.getBoundingClientRect();
        const boxes = [...svg.querySelectorAll('rect')].map((box) => box.getBoundingClientRect());
        let smallest = Infinity;
        for (const text of svg.querySelectorAll('text')) {
            const its = text.getBoundingClientRect();
            if (its.width === 0) continue; // a later step has taken it away
            const sticksOut = (box) => its.left < box.left - 1 || its.right > box.right + 1;
            const isIn = (box) => {
                const [x, y] = [(its.left + its.right) / 2, (its.top + its.bottom) / 2];
                return x > box.left && x < box.right && y > box.top && y < box.bottom;
            };
            if (sticksOut(frame) || its.top < frame.top - 1 || its.bottom > frame.bottom + 1) {
                faults.push(`text sticks out of the picture: ${name(text)}`);
            } else if (boxes.filter(isIn).some(sticksOut)) {
                faults.push(`text sticks out of its box: ${name(text)}`);
            }
            const size = parseFloat(getComputedStyle(text).fontSize) * (frame.width / svg.viewBox.baseVal.width);
            smallest = Math.min(smallest, size);
        }
        if (smallest < 8) faults.push(`text of ${smallest.toFixed(1)} px in the picture "${svg.getAttribute('aria-label')}"`);
    }

    const seen = new Set();
    for (const { id } of document.querySelectorAll('[id]')) {
        if (seen.has(id)) faults.push(`two elements have the id ${id}`);
        seen.add(id);
    }
    return faults;
}

// Where the page leads, and the places in it that others may lead to.
export function linksOf() {
    const links = [...document.querySelectorAll('a[href]')].map((link) => link.href);
    const ids = [...document.querySelectorAll('[id], a[name]')].map((element) => element.id || element.name);
    return { links, ids };
}
