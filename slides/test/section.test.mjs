// Every section, or the one named in SECTION: its text, and each slide as it is drawn at
// each of its steps, on two screens.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { build } from '../build.mjs';
import { readDeck } from '../lib/deck.mjs';
import { launch, openDeck } from '../lib/browser.mjs';
import { contrast } from '../lib/measure.mjs';
import { walk } from '../lib/walk.mjs';
import * as text from '../lib/text.mjs';
import { staleXrays } from '../lib/xray.mjs';

const only = process.env.SECTION || undefined;
const deck = readDeck(only);

const none = (complaints) => assert.ok(complaints.length === 0, `\n  ${complaints.join('\n  ')}`);

const executed = text.executedCommands();
for (const section of deck) {
  describe(section.id, () => {
    test('every slide has notes, and the minutes add up', () => none(text.notes(section)));
    test('the exercise has a slide that says how long it is', () => none(text.turns(section)));
    test('code of a level is in that level today', () => none(text.snippets(section)));
    test('an X-ray shows lines that the level has today', () => none(staleXrays(section)));
    test('what is typed is in a transcript that is run', () => none(text.commands(section, executed)));
    test('TODOs and files that are named exist', () => none(text.names(section)));
  });
}

if (!only) {
  test('each level of the second day leads to the next', () => {
    none(text.bridges(deck.filter(({ level, plans }) => level && plans.includes('harden'))));
  });
}

describe('drawn', () => {
  let browser;
  let opened;
  before(async () => {
    browser = await launch();
    opened = await openDeck(build(only), { width: 1280, height: 720 }, { browser });
  });
  after(() => browser?.close());

  for (const size of [{ width: 1280, height: 720 }, { width: 1920, height: 1080 }]) {
    test(`${size.width}x${size.height}: every step of every slide fits`, async () => none(await walk(opened.page, size)));
  }
  test('all text stands out from what is behind it', async () => none(await opened.page.evaluate(contrast)));
  test('no error in the console, nothing asked of a network', () => none([...opened.errors, ...opened.requests]));
});
