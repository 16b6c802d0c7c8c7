// The time of day in the deck: when a pause is over, and for the speaker whether the room is late and
// what to leave out. ?start=09:30 says when the day began, ?plan=half what of it is held; what a plan
// is made of stands in #plans. What is on paper, or far from the day, has the plan's own times.
(() => {
  const query = new URLSearchParams(location.search);
  const plans = JSON.parse(document.getElementById('plans').textContent);
  const asked = query.get('plan');
  const start = isTime(query.get('start') ?? '') ? query.get('start') : '09:00';
  const isPaper = query.has('print-pdf');

  // The deck without a plan is that of both days.
  const held = plans[asked] ? [asked] : ['full', 'harden'];
  for (const pause of document.querySelectorAll('section.pause')) {
    if (!held.includes(pause.dataset.pauseOf)) pause.remove();
  }

  // Minutes since the day began, and whether it is that day at all: an hour before, two after.
  const since = () => {
    const now = new Date();
    const [hours, minutes] = start.split(':').map(Number);
    return Math.floor((now - new Date(now).setHours(hours, minutes, 0, 0)) / 60_000);
  };
  const isOn = ({ slot }) => !isPaper && since() >= -60 && since() <= slot + 120;

  // Nobody is called back before the plan says so, nor has a shorter pause because the room is late.
  const ends = new Map();
  const endOf = (pause) => {
    const [begin, minutes] = [Number(pause.dataset.begin), Number(pause.dataset.minutes)];
    if (!isOn(plans[pause.dataset.pauseOf]) || !pause.classList.contains('present')) return { end: begin + minutes };
    if (!(ends.get(pause) > since())) ends.set(pause, Math.max(begin, since()) + minutes);
    const end = ends.get(pause);
    return { end, left: end - since() };
  };
  const show = (pause) => {
    const { minutes } = pause.dataset;
    const { end, left = Infinity } = endOf(pause);
    pause.querySelector('time').textContent = clock(start, end);
    pause.querySelector('.left').textContent = left > minutes ? `${minutes} minutes` : `in ${left} minute${left === 1 ? '' : 's'}`;
  };

  // What the speaker reads above the notes, where a section or a pause begins.
  const told = (slide) => {
    const isPause = slide.matches('.pause');
    const holds = (each) => plans[each].rows.some(({ section }) => section === slide.parentElement.id);
    const name = isPause ? slide.dataset.pauseOf : held.find(holds);
    if (!name || (slide.previousElementSibling && !isPause)) return '';
    const { rows, cuts } = plans[name];
    // What comes next: this section, or the one behind the pause.
    const next = rows.findIndex(({ section }) => section === slide.parentElement.id) + (isPause ? 2 : 0);
    const { begin, latest, title } = rows[next];
    const times = `By the plan "${title}" begins at ${clock(start, begin)}, at the latest at ${clock(start, latest)}.`;
    if (!isOn(plans[name])) return times;
    const late = (isPause ? endOf(slide).end : since()) - latest;
    const toCome = new Set(rows.slice(next).map(({ section }) => section));
    const said = late > 0 ? advice(cuts.filter(({ section }) => toCome.has(section)), late) : 'You are in time';
    return `${times} It is ${clock(start, since())}. <strong>${said}.</strong>`;
  };

  const look = () => {
    document.querySelectorAll('section.pause').forEach(show);
    const slide = Reveal.getCurrentSlide();
    const words = slide && told(slide);
    if (!words) return;
    const aside = slide.querySelector('aside.now') ?? document.createElement('aside');
    aside.className = 'notes now';
    aside.innerHTML = `<p>${words}</p>`;
    if (!aside.isConnected) slide.querySelector('aside.notes').before(aside);
  };
  // The speaker's window asks at each of these, and later than we: it is opened later.
  for (const event of ['ready', 'slidechanged', 'fragmentshown']) Reveal.on(event, look);
  if (!isPaper) setInterval(look, 5_000);
})();
