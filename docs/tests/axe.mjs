// Asks axe-core what keeps a reader from a page who sees little, hears it, or has no mouse.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export async function barriersIn(tab) {
    await tab.evaluate(source);
    // X-rays are pages of their own, and asked by their own tests.
    const violations = await tab.evaluate(async () => {
        const found = await window.axe.run(document, { iframes: false, preload: false, resultTypes: ['violations'] });
        return found.violations.map(({ id, help, nodes }) => ({ id, help, places: nodes.map(({ target }) => target.join(' ')) }));
    });
    return violations.map(({ id, help, places }) => `axe: ${id}: ${help}: ${places.slice(0, 3).join('; ')}${places.length > 3 ? `; ${places.length} in all` : ''}`);
}
