// The page of the class board: reads snapshots as they come and shows the last one.
//
// Whatever comes from a learner is set as text and never as markup.
'use strict';

const $ = (selector) => document.querySelector(selector);
const isInstructor = location.pathname === '/instructor';

// The token is behind the `#`, which no server is sent. It is put away at once, so that nobody
// reads it over a shoulder or off the wall; a reload still has it.
function secret() {
  if (!isInstructor) return location.pathname.slice(1);
  if (location.hash.length > 1) {
    sessionStorage.setItem('token', location.hash.slice(1));
    history.replaceState(null, '', location.pathname);
  }
  return sessionStorage.getItem('token') ?? '';
}

// element('td', 'text') or element('td', [child, child])
function element(tag, content = [], className = '') {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (typeof content === 'string') made.textContent = content;
  else made.append(...content);
  return made;
}

// Of markdown only what a step and a row have: `code` and **strong**.
function prose(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).filter(Boolean).map((piece) => {
    if (piece.startsWith('`')) return element('code', piece.slice(1, -1));
    if (piece.startsWith('**')) return element('strong', piece.slice(2, -2));
    return document.createTextNode(piece);
  });
}

// A fence is shown as it is; other paragraphs are prose.
function paragraphs(text) {
  return text.split(/\n\n+/).map((part) => {
    const fence = /^```\w*\n([\s\S]*?)\n?```$/.exec(part.trim());
    return fence ? element('p', [element('code', fence[1])]) : element('p', prose(part));
  });
}

// ---- connection ----

let shown;      // the last snapshot
let came = 0;   // when it came
const SILENT = 25_000, AGAIN = 1_000;

function state(name, text) {
  document.documentElement.dataset.state = name;
  $('#status').textContent = text;
}

async function listen() {
  const aborts = new AbortController();
  let alarm;
  const heard = () => { clearTimeout(alarm); alarm = setTimeout(() => aborts.abort(), SILENT); };
  heard();
  try {
    const answer = await fetch('/events', {
      headers: { Authorization: `Bearer ${secret()}` }, cache: 'no-store', signal: aborts.signal,
    });
    if (answer.status === 403) return closed(isInstructor
      ? 'This is not the token of this board. Open the address that it has printed; after a restart it is another one.'
      : 'This is not the code of a class here. Compare the address with the one that the board has printed.');
    if (!answer.ok) throw new Error(String(answer.status));
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      heard();
      text += value;
      const events = text.split('\n\n');
      text = events.pop();
      for (const event of events) if (event.startsWith('data: ')) show(JSON.parse(event.slice(6)));
    }
  } catch { /* it is away, and is asked again below */ } finally { clearTimeout(alarm); }
  state('away', 'The board is away. Asking again.');
  setTimeout(listen, AGAIN);
}

function closed(why) {
  for (const section of document.querySelectorAll('main > section')) section.hidden = true;
  state('closed', why);
}

// ---- what is shown ----

function show(snapshot) {
  [shown, came] = [snapshot, performance.now()];
  const { seats, hands, levels, join } = snapshot;
  $('#sums').textContent = `${seats} ${seats === 1 ? 'seat' : 'seats'}, ${hands} ${hands === 1 ? 'hand' : 'hands'} up`;
  $('#command').textContent = join.length ? `cargo workshop join ${join[0]}` : '';
  $('#others').textContent = join.length > 1 ? `or: ${join.slice(1).join('  ')}` : '';
  $('#none').hidden = levels.length > 0;
  const table = $('#levels table');
  table.hidden = levels.length === 0;
  table.tBodies[0].replaceChildren(...levels.map(({ level, title, at, done, failing }) => element('tr', [
    element('th', level), element('td', title), element('td', String(at)),
    element('td', String(done), 'done'), element('td', String(failing), failing ? 'fails' : ''),
  ])));
  for (const head of table.tBodies[0].querySelectorAll('th')) head.scope = 'row';
  if (isInstructor) showSeats(snapshot);
  tick();
  state('live', 'Live');
}

const HOW = { begun: 'begun', 'not-built': 'does not compile', fails: 'fails', done: 'done' };

function who({ seat, name }) {
  const number = element('code', `${seat.slice(0, 4)}-${seat.slice(4)}`, 'dim');
  return name === null ? [number] : [element('bdi', name), ' ', number];
}

// A letter for each step, with a word for those who do not see colours.
function steps(letters) {
  const words = { p: 'passes', f: 'fails', o: 'open', '-': 'not checked' };
  const said = [...letters].map((letter, index) => `${index + 1} ${words[letter]}`).join(', ');
  const marks = { p: '✓', f: '✗', o: '·', '-': '–' };
  const row = element('span', [...letters].map((letter) => element('span', marks[letter], letter === '-' ? 'n' : letter)));
  row.setAttribute('role', 'img');
  row.setAttribute('aria-label', said || 'no steps');
  return row;
}

// The time since then, kept going by `tick`.
function since(seconds) {
  const time = element('span');
  if (seconds !== null) time.dataset.seconds = seconds;
  return time;
}

function place(name) {
  const [level, step] = name.split('.');
  return step ? `${level} step ${step}` : level;
}

function showSeats({ raised, all, places }) {
  $('#raised ul').replaceChildren(...(raised.length ? raised.map((seat) => element('li', [...who(seat), ` at ${seat.level}, for `, since(seat.hand)]))
    : [element('li', 'No hand is up.')]));
  $('#seats tbody').replaceChildren(...all.map((seat) => element('tr', [
    element('td', [...who(seat), ...seat.hand === null ? [] : [element('span', ' hand up', 'hand')]]),
    element('td', seat.level), element('td', [steps(seat.steps)]),
    element('td', seat.failing ? `${HOW[seat.told]} at ${place(seat.failing)}` : HOW[seat.told], seat.trouble === null ? seat.told : 'fails'),
    element('td', [since(seat.trouble)]), element('td', [since(seat.heard), ' ago']),
  ])));
  // Those that are open stay open.
  const open = new Set([...document.querySelectorAll('#places details[open]')].map((it) => it.dataset.place));
  $('#places > div').replaceChildren(...(places.length ? places.map((it) => placeOf(it, open.has(it.place)))
    : [element('p', 'Nobody fails at a step.')]));
  for (const id of ['raised', 'places', 'seats']) $(`#${id}`).hidden = false;
}

function placeOf({ place: name, count, of, step, rows }, isOpen) {
  const parts = [element('h3', `${count} of ${of} ${count === 1 ? 'fails' : 'fail'} at ${place(name)}`)];
  if (step) parts.push(...paragraphs(step));
  if (rows.length) {
    const list = element('dl', rows.flatMap(({ sees, is, say }) => [
      element('dt', prose(sees)), element('dd', prose(is)), element('dd', ['Say: ', ...prose(say)]),
    ]));
    const details = element('details', [element('summary', 'What goes wrong in this level'), list]);
    details.dataset.place = name;
    details.open = isOpen;
    parts.push(details);
  }
  return element('article', parts);
}

// ---- time ----

function age(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`;
}

function tick() {
  if (!shown) return;
  const later = (performance.now() - came) / 1000;
  for (const time of document.querySelectorAll('[data-seconds]')) {
    const text = age(Number(time.dataset.seconds) + later);
    if (time.textContent !== text) time.textContent = text;
  }
  const { plan } = shown;
  $('#plan').hidden = !plan;
  if (plan) showPlan(plan, new Date());
}

function showPlan({ title, start, rows }, date) {
  const clock = (minutes) => `${String(Math.floor(minutes / 60) % 24).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
  const minute = date.getHours() * 60 + date.getMinutes();
  const at = minute - start;
  const name = ({ level, title: what }) => (level ? `level ${level}, ${what}` : what);
  const index = rows.findIndex(({ begin, minutes }) => at >= begin && at < begin + minutes);
  const next = rows[index + 1];
  $('#clock').textContent = clock(minute);
  if (index >= 0) {
    const { begin, minutes } = rows[index];
    $('#now').textContent = `${name(rows[index])}, until ${clock(start + begin + minutes)}`;
    $('#then').textContent = next ? `then ${name(next)}` : 'then the end';
  } else {
    $('#now').textContent = at < 0 ? `${title} begins at ${clock(start)}` : `${title} is over`;
    $('#then').textContent = '';
  }
}

// Who needs help comes first where that is asked for.
if (isInstructor) $('main').prepend($('#raised'), $('#places'), $('#seats'));
if (location.pathname === '/') closed('Add the code of the class to the address, as the wall has it.');
else { setInterval(tick, 1000); listen(); }
