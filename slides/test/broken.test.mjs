// Decks with one fault each: whoever makes it hears of it. The first deck has none, so
// that a complaint is about the fault.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { launch, openDeck } from '../lib/browser.mjs';
import { miscut } from '../lib/cuts.mjs';
import { readDeck, readSection, repository } from '../lib/deck.mjs';
import { misplanned } from '../lib/plan.mjs';
import { page as pageOf } from '../lib/render.mjs';
import { contrast } from '../lib/measure.mjs';
import * as text from '../lib/text.mjs';
import { walk } from '../lib/walk.mjs';
import { staleXrays } from '../lib/xray.mjs';

const section = (body, { notes = 'Say this.', minutes = 'Minutes: 3' } = {}) => readSection('99-try', `---
title: Try
level: 05
talk: 3
exercise: 0
plans: full
---

${body}

Note:
${notes}

${minutes}
`);
const file = 'levels/06_pid_namespace/src/container.rs';
const source = readFileSync(join(repository, file), 'utf8').split('\n');
// Lines that fit on a slide, also when they grow by a word.
const [first, last] = [source.find((line) => line.startsWith('use ')), source.find((line) => line.startsWith('///'))];
const command = [...text.executedCommands()].find((line) => line.length < 60);
const SOUND = `## A slide

\`\`\`rust file=${file}
${first}
…
${last}
\`\`\`

\`\`\`console
$ ${command}
\`\`\`

\`TODO(05) 2\` in \`src/container.rs\`
`;

const complaints = (deck) => [text.notes, text.turns, text.snippets, text.commands, text.names, staleXrays].flatMap((check) => check(deck));

describe('in the text', () => {
  test('a sound deck has no fault', () => assert.deepEqual(complaints(section(SOUND)), []));

  const faults = {
    'no notes': [section(SOUND, { notes: '' }), /no notes for the speaker/],
    'no minutes': [section(SOUND, { minutes: '' }), /no line "Minutes: N"/],
    'minutes that do not add up': [section(SOUND, { minutes: 'Minutes: 4' }), /minutes are 4, and talk in the front matter is 3/],
    'a task of another length': [section(`<!-- .slide: class="task" -->\n## Your turn: 9 minutes\n${SOUND}`), /an exercise of 0 minutes .*here: 9$/],
    'code that has changed': [section(SOUND.replace(first, `${first} so`)), /not in levels\/06_pid_namespace\/src\/container.rs today: .* so$/],
    'code in another order': [section(SOUND.replace(`${first}\n…\n${last}`, `${last}\n…\n${first}`)), /not in levels\/06.*today/],
    'code with a line left out': [section(SOUND.replace('…\n', '')), /not in levels\/06.*today/],
    'code of a file that is gone': [section(SOUND.replace('06_pid', '06_pit')), /there is no levels\/06_pit/],
    'code from nowhere': [section(SOUND.replace(/ file=\S+/, '')), /says where its code is from/],
    'a command that is not run': [section(SOUND.replace(command, `${command} now`)), /no transcript that is run has this line: .* now$/],
    'such a command in the notes': [section(SOUND, { notes: 'Try:\n\n```console\n$ rm everything\n```' }), /this line: rm everything/],
    'a TODO that is not there': [section(SOUND.replace('TODO(05) 2', 'TODO(05) 7')), /no file of that level has "TODO\(05\) 7"/],
    'an X-ray that is not there': [section(`${SOUND}\n![it](99.json)`), /there is no xray\/99.json; slides\/xrays.sh makes them/],
    'a file that is not there': [section(SOUND.replace('`src/container.rs`', '`src/contain.rs`')), /there is no file src\/contain.rs/],
  };
  for (const [fault, [deck, complaint]] of Object.entries(faults)) {
    test(fault, () => {
      const found = complaints(deck);
      assert.equal(found.length, 1, found.join('\n'));
      assert.match(found[0], complaint);
    });
  }

  test('a section that leads nowhere', () => {
    const [one, other] = ['24-masked-paths', '25-seccomp'].map((id) => readDeck(id)[0]);
    assert.deepEqual(text.bridges([one, other]), []);
    const mute = { ...one, slides: one.slides.map((slide) => ({ ...slide, notes: 'Go on.' })) };
    assert.deepEqual(text.bridges([mute, other]), ['24-masked-paths: the notes of its last slide do not lead to the next level, 13']);
  });

  test('front matter with a wrong key, or without minutes', () => {
    assert.throws(() => readSection('99-try', '---\nauthor: me\n---\n'), /deck\/99-try.md: "author: me" in the front matter; known: title/);
    assert.throws(() => readSection('99-try', '---\ntalk: long\n---\n'), /exercise is a number of minutes/);
  });
});

describe('in a plan', () => {
  const deck = readDeck();
  const with_ = (change) => deck.map((each) => (each.id === '10-fork-exec' ? { ...each, ...change } : each));

  test('a talk that is too long for the day', () => {
    assert.match(misplanned('full', with_({ talk: 480 }))[0], /^full: \d+ minutes are planned, \d+ more than its 480$/);
  });
  test('an exercise that is too long for two hours', () => {
    assert.match(misplanned('two-hours', with_({ exercise: { 'two-hours': 120 } }))[0], /more than its 120$/);
  });
  test('a level that is not held', () => {
    assert.match(misplanned('half', with_({ plans: ['full'] })).join(), /half: holds the levels 01 .*, and should hold 00 01/);
  });
});

describe('in the cuts', () => {
  const deck = readDeck();
  const sound = { section: '15-uts', exercise: 0, wins: 9 };
  test('a sound cut has no fault', () => assert.deepEqual(miscut('full', deck, [sound]), []));
  const faults = {
    'more minutes than it wins': [[{ ...sound, wins: 10 }], /^full: the cut of 15-uts claims 10 minutes, and wins 9$/],
    'a demo that is longer than the exercise': [[{ section: '15-uts', demo: 12, wins: -3 }], /15-uts wins nothing$/],
    'a section that there is not': [[{ ...sound, section: '15-utc' }], /15-utc is of no section of the deck$/],
    'a section of the other day': [[{ section: '26-pids-io', demo: 5, wins: 10 }], /26-pids-io is of a section that the plan does not hold$/],
    'a section twice': [[sound, sound], /15-uts is there twice$/],
    'a step that there is not': [[{ section: '15-uts', without: [7], exercise: 5, wins: 4 }], /15-uts leaves out step 7, which the level has not$/],
  };
  for (const [fault, [list, complaint]] of Object.entries(faults)) {
    test(fault, () => {
      const found = miscut('full', deck, list);
      assert.equal(found.length, 1, found.join('\n'));
      assert.match(found[0], complaint);
    });
  }
});

describe('on the wall', () => {
  const drawing = (inside) => `## A slide\n\n<figure class="picture"><svg viewBox="0 0 1120 400">${inside}</svg></figure>`;
  const box = '<rect class="box" x="100" y="100" width="200" height="100"/>';
  const sound = [SOUND, drawing(`${box}<text x="120" y="160">inside</text><path class="line arrow" d="M300 150 L500 150"/>`)];
  const faults = {
    'too many lines': [`${'one line\n\n'.repeat(14)}`, /text leaves the slide|reaches into its footer/],
    'too many lines at a later step only': [`${'one line <!-- .element: class="fragment" -->\n\n'.repeat(14)}`, /^step 1[0-9]: .*(leaves|footer)/],
    'a line of code that is too long': [`\`\`\`text\n${'x'.repeat(90)}\n\`\`\``, /code runs over the edge of its panel/],
    'something that is cut off': ['<div style="overflow: hidden; height: 40px">\n\none\n\ntwo\n\n</div>', /<div> cuts off what is in it/],
    'too many words': ['word '.repeat(46), /46 words at once/],
    'letters that are too small': ['<p style="font-size: 12px">small</p>', /"small" is drawn at 12.0 px/],
    'letters over letters': ['one\n\n<p style="margin-top: -70px">two</p>', /"one" and "two" are drawn over each other/],
    'a picture that leaves its frame': [drawing('<text x="1100" y="100">a long word</text>'), /"a long word" leaves the picture/],
    'a word across the border of a box': [drawing(`${box}<text x="250" y="160">too long a word</text>`), /"too long a word" crosses the border/],
    'a line through a word': [drawing('<text x="100" y="100">struck</text><path class="line" d="M50 93 L300 93"/>'), /a line runs through "struck"/],
    'a picture that must be drawn too small': [drawing('<text x="20" y="100">far</text>').replace('1120 400', '2400 900'), /"far" is drawn at 1\d\.\d px/],
  };
  const others = {
    'letters that hardly show': ['<p style="color: #443a33">dim</p>', /"dim": rgb\(68, 58, 51\) on/],
    'an error in the console': ['<img src="data:image/png;base64,x" onerror="console.error(\'lost\')">', /^lost$/],
    'something from a network': ['<img src="http://127.0.0.1:9/logo.png">', /127\.0\.0\.1:9\/logo/],
  };

  let drawn;
  let said;
  before(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'slides-'));
    const browser = await launch();
    try {
      const slides = [...sound, ...[...Object.values(faults), ...Object.values(others)].map(([body]) => body)];
      const built = join(folder, 'deck.html');
      writeFileSync(built, pageOf([{ ...section(''), slides: slides.map((body) => ({ body, notes: '', minutes: 1 })) }]));
      const screen = { width: 1280, height: 720 };
      const { page, errors, requests } = await openDeck(built, screen, { browser });
      drawn = await walk(page, screen);
      said = [...await page.evaluate(contrast), ...errors, ...requests];
    } finally {
      await browser.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
  const complaintsAbout = (number) => drawn.map((each) => /^99-try slide (\d+):? (.*)$/.exec(each)).filter(([, slide]) => Number(slide) === number).map(([, , complaint]) => complaint);

  test('a sound slide has no fault', () => assert.deepEqual([...complaintsAbout(1), ...complaintsAbout(2)], []));
  for (const [index, [fault, [, complaint]]] of Object.entries(faults).entries()) {
    test(fault, () => assert.ok(complaintsAbout(sound.length + 1 + index).some((each) => complaint.test(each))));
  }
  for (const [fault, [, complaint]] of Object.entries(others)) {
    test(fault, () => assert.ok(said.some((each) => complaint.test(each)), said.join('\n')));
  }
});
