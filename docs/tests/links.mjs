// Follows the links of all pages: to files of the book and places in them. Those that
// lead to the net are not asked for, but listed.

import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

// `pages` are the links and ids of each page, as page.mjs has collected them.
export function follow(book, pages) {
    const broken = new Set();
    const external = new Map();
    for (const [page, { links }] of pages) {
        for (const link of links) {
            const url = new URL(link);
            if (url.protocol === 'file:') {
                const fault = leadsNowhere(book, pages, url);
                if (fault) broken.add(`${page}: ${fault}`);
            } else if (url.protocol === 'https:' && url.hostname.includes('.')) {
                external.set(url.href, page);
            } else {
                broken.add(`${page}: ${link} is not https`);
            }
        }
    }
    return { broken, external };
}

function leadsNowhere(book, pages, url) {
    const path = fileURLToPath(new URL(url.pathname, url));
    const name = relative(book, path);
    if (name.startsWith('..')) return `${url.href} is outside of the book`;
    if (!existsSync(path) || !statSync(path).isFile()) return `there is no ${name}`;
    const place = decodeURIComponent(url.hash.slice(1));
    // An X-ray makes its steps when it is opened: xrays.mjs has followed these.
    if (name.startsWith('xray/')) return undefined;
    if (place && !placesIn(book, pages, name).has(place)) return `there is no #${place} in ${name}`;
    return undefined;
}

const read = new Map();

function placesIn(book, pages, name) {
    const ids = pages.get(name)?.ids;
    if (ids) return new Set(ids);
    if (!read.has(name)) {
        const text = readFileSync(join(book, name), 'utf8');
        read.set(name, new Set([...text.matchAll(/\sid="?([^"\s>]+)/g)].map((match) => match[1])));
    }
    return read.get(name);
}
