// npm run build [FILE]: makes one file of the page's parts, bundle/page.html or another. Cargo
// puts the committed one into the program; .ci/xray-page.sh sees that it is made of these parts.
//
// The policy in it allows the one script and the one style by what they are, and nothing else.

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import subset from 'subset-font';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

// What is written in the deck's letters: ASCII, and the signs that the page itself uses. Other
// letters, of a learner's comment for example, come from the machine's fonts.
const LETTERS = `${String.fromCharCode(...Array.from({ length: 95 }, (_, at) => 32 + at))}…·×–’“”←→−`;
const FONTS = [
  { family: 'IBM Plex Mono', weight: '400', file: '@fontsource/ibm-plex-mono/files/ibm-plex-mono-latin-400-normal.woff2' },
  { family: 'IBM Plex Mono', weight: '600', file: '@fontsource/ibm-plex-mono/files/ibm-plex-mono-latin-600-normal.woff2' },
  { family: 'Instrument Sans', weight: '400 650', file: '@fontsource-variable/instrument-sans/files/instrument-sans-latin-wght-normal.woff2', axes: { wght: { min: 400, max: 650 } } },
  { family: 'Bricolage Grotesque', weight: '640', file: '@fontsource-variable/bricolage-grotesque/files/bricolage-grotesque-latin-wght-normal.woff2', axes: { wght: 640 } },
];

async function face({ family, weight, file, axes }) {
  const bytes = await subset(readFileSync(here(`node_modules/${file}`)), LETTERS, { targetFormat: 'woff2', variationAxes: axes });
  return `@font-face{font-family:'${family}';font-weight:${weight};src:url(data:font/woff2;base64,${bytes.toString('base64')}) format('woff2')}`;
}

async function bundle(entry) {
  const { outputFiles } = await build({
    entryPoints: [here(entry)], bundle: true, minify: true, write: false, format: 'esm', target: 'es2022', charset: 'utf8', legalComments: 'eof', logLevel: 'warning',
  });
  return outputFiles[0].text.trim();
}

// The letters go with the page, and so must their licence.
const FONT_LICENCE = `/*! ${[...new Set(FONTS.map(({ file }) => readFileSync(here(`node_modules/${file.split('/').slice(0, 2).join('/')}/LICENSE`), 'utf8').split(/\n| [^ ]*\.ttf:/)[0].trim()))].join(' - ')} - SIL Open Font License 1.1, https://openfontlicense.org */`;

const faces = (await Promise.all(FONTS.map(face))).join('');
const style = FONT_LICENCE + faces + await bundle('src/style.css');
const script = await bundle('src/main.js');
if (/<\/(script|style)|<!--/i.test(script + style)) throw new Error('the bundle would end its own element');
const allowed = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
const policy = `default-src 'none'; script-src ${allowed(script)}; style-src ${allowed(style)}; font-src data:; img-src data:; base-uri 'none'; form-action 'none'`;

const parts = { POLICY: policy, STYLE: style, SCRIPT: script };
const page = readFileSync(here('src/index.html'), 'utf8').replace(/(?<=[">])(POLICY|STYLE|SCRIPT)(?=["<])/g, (name) => parts[name]);
writeFileSync(process.argv[2] ?? here('bundle/page.html'), page);
