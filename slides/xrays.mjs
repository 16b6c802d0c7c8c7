// node xrays.mjs LIST PAGES [--check]
// Makes slides/xray/*.json, the steps of real runs that the deck shows, from the X-rays in PAGES
// (03.html and so on); LIST is docs/xrays.txt, which says at which step. slides/xrays.sh calls it.
//
// What is another thing on the next machine is left out: how many mounts it has, how many
// capabilities, and with these the number of the step. A step that is about control groups is compared only where their version is the same.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { slidesDir } from './lib/deck.mjs';

const LEVELS = ['02', '03', '06', '08', '11'];
const KINDS = { mnt: 'file systems', uts: 'hostname', pid: 'processes', ipc: 'shared memory', net: 'network', cgroup: 'control group', user: 'users' };
const GROUPS = existsSync('/sys/fs/cgroup/cgroup.controllers') ? 2 : 1;

const { values, positionals: [list, pages] } = parseArgs({ allowPositionals: true, options: { check: { type: 'boolean' } } });
const rows = readFileSync(list, 'utf8').split('\n').filter((line) => !line.startsWith('#')).map((line) => line.split('|').map((cell) => cell.trim()));

const short = (text) => text.replaceAll(/\/var\/lib\/rubber-docker\/containers\/container-\d+/g, '…').replaceAll(/\/sys\/fs\/cgroup(\/\w+)?\/rubber-docker\/container-\d+/g, '/sys/fs/cgroup/…');
const counted = (words) => words.replace(/^a mount table of \d+ mounts$/, 'a mount table of its own').replaceAll(/\b\d+ mounts\b/g, 'the mounts').replace(/(\d+), \d+ are gone/, '$1, the others are gone');

/** The step of a level's run at which the book opens it. */
function stepOf(level) {
  const [, , wanted] = rows.find(([each]) => each === level);
  const [call, argument = ''] = wanted.split(/\s+/);
  const record = JSON.parse(/id="record">(.*?)<\/script>/s.exec(readFileSync(join(pages, `${level}.html`), 'utf8'))[1]);
  const fits = (step) => step.call === call && step.arguments.some((each) => each.includes(argument));
  const stop = record.stops.find(({ first, count }) => record.steps.slice(first, first + count).some(fits));
  if (!stop) throw new Error(`docs/xrays.txt: the run of level ${level} has no step ${wanted}`);
  const step = record.steps[stop.first];
  const who = step.born ?? step.who;
  const states = namespaces(record.steps.slice(0, stop.first + 1), who);
  const [line] = record.stacks[step.lines];
  const source = record.files[line.file].split('\n');
  // The line with its neighbours, as far as these are code: half a comment says nothing.
  const isCode = (number) => number >= 1 && !/^\s*($|\/\/)/.test(source[number - 1] ?? '');
  const first = isCode(line.line - 1) ? line.line - 1 : line.line;
  let last = line.line;
  while (last < line.line + 3 && isCode(last + 1)) last += 1;
  const lines = source.slice(first - 1, last);
  return {
    run: record.argv.join(' '), who: step.who, ...groupsOf(step), call: step.call, arguments: step.arguments.map(short), does: stop.does,
    changed: Object.entries(stop.said).flatMap(([column, all]) => all.map((words) => [column, counted(short(words))])),
    source: { file: line.file, line: line.line, first, lines },
    namespaces: states,
  };
}

const groupsOf = (step) => (step.arguments.some((each) => each.includes('/sys/fs/cgroup')) ? { groups: GROUPS } : {});

/** Of each kind: the host's, its own, or its own since this step. */
function namespaces(steps, who) {
  const names = {};
  let before = {};
  for (const step of steps) {
    if (step.born) names[step.born] = { ...names[step.who] };
    before = { ...names[who] };
    for (const [column, patch] of Object.entries(step.view ?? {})) names[column] = { ...names[column], ...patch.namespaces };
  }
  return Object.fromEntries(Object.entries(KINDS).map(([kind, words]) => {
    const own = names[who]?.[kind] !== 'host';
    return [words, !own ? 'hosts' : before[kind] === names[who][kind] ? 'own' : 'own new'];
  }));
}

mkdirSync(join(slidesDir, 'xray'), { recursive: true });
const stale = [];
for (const level of LEVELS) {
  const file = join(slidesDir, 'xray', `${level}.json`);
  const text = `${JSON.stringify(stepOf(level), null, 2)}\n`;
  if (!values.check) {
    writeFileSync(file, text);
    continue;
  }
  const was = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const { groups = GROUPS } = was ? JSON.parse(was) : {};
  if (groups !== GROUPS) console.log(`xray/${level}.json is not compared: it has control groups of version ${groups}, and this machine version ${GROUPS}`);
  else if (was !== text) stale.push(`xray/${level}.json`);
}
if (stale.length > 0) {
  console.error(`not what a run does today: ${stale.join(', ')}. slides/xrays.sh makes them anew; look at the slides then`);
  process.exitCode = 1;
}
