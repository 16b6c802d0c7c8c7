// The house's letters, inside the page. The book has all of them beside it, as files; a deck in
// English does not carry Greek about.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './deck.mjs';

const theme = join(repository, 'docs', 'theme');

/** The rules @font-face of docs/theme/fonts/fonts.css, of which `text` has a letter. */
export function letters(text) {
  const points = new Set([...text].map((letter) => letter.codePointAt(0)));
  const rules = readFileSync(join(theme, 'fonts', 'fonts.css'), 'utf8').match(/^@font-face \{.*?^\}$/gms);
  return rules.filter((rule) => isIn(points, rule)).map(embed).join('\n');
}

function isIn(points, rule) {
  const ranges = [...rule.matchAll(/U\+([\dA-F]+)(?:-([\dA-F]+))?/gi)].map(([, first, last = first]) => [parseInt(first, 16), parseInt(last, 16)]);
  return [...points].some((point) => ranges.some(([first, last]) => first <= point && point <= last));
}

/** In the book's style a file is `{{ resource "fonts/NAME" }}`: mdBook knows what it calls it. */
function embed(rule) {
  return rule.replace(/\{\{ resource "([^"]+)" \}\}/g, (_, file) => `data:font/woff2;base64,${readFileSync(join(theme, file)).toString('base64')}`);
}
