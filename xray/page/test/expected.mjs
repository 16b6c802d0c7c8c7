// What a page must show of a step, from `xray json` alone: nothing of the page's own modules is
// used here.

/** The state after the step of this number (from 1): `{ host, p1, ... }`, and the step itself. */
export function stateAt(record, number) {
  const views = {};
  for (const step of record.steps.slice(0, number)) {
    if (step.born) views[step.born] = structuredClone(views[step.who]);
    for (const [column, patch] of Object.entries(step.view ?? {})) views[column] = merged(views[column], patch);
  }
  return { views, step: record.steps[number - 1] };
}

function merged(value, patch) {
  if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) return patch;
  const result = typeof value === 'object' && value !== null ? { ...value } : {};
  for (const key of Object.keys(patch)) {
    if (patch[key] === null) delete result[key];
    else result[key] = merged(result[key], patch[key]);
  }
  return result;
}

const entries = (object, make) => Object.fromEntries(Object.entries(object ?? {}).map(([key, value]) => [key, make(value, key)]));

/** For each row and side the entries that must be there, by key: words that each must contain. */
export function rowsOf(views, who) {
  const [host, own] = [views.host, views[who]];
  const mounts = (view) => entries(view.mounts, (mount) => ({
    words: [`${mount.point}  ${mount.type}`, ` ${mount.options} `, ...mount.propagation.split(' ').map((field) => field.replace(/:group-(\d+)/, ' $1')), ...(mount.layers ? [mount.layers] : []), ...(mount.root ? [`of ${mount.root}`] : [])],
    on: view.mounts[mount.on] ? mount.on : undefined,
  }));
  const interfaces = (view) => entries(view.interfaces, (state, name) => ({ words: [name, ...(typeof state === 'string' ? [state] : Object.values(state).flat().map(String))] }));
  const of = (keys, words) => Object.fromEntries(keys.filter((key) => own[key] !== undefined).map((key) => [key, { words: words(own[key], key) }]));
  const groups = {};
  for (const [path, files] of Object.entries(host.cgroups ?? {})) {
    groups[path] = { words: [path.replace('/sys/fs/cgroup/', '')] };
    for (const [file, value] of Object.entries(files)) groups[`${path}/${file}`] = { words: [`${file} = ${value || '(none)'}`], on: path };
  }
  const ids = (text) => (new Set(text.split(' ')).size === 1 ? [text.split(' ')[0]] : text.split(' '));
  return {
    'mounts host': mounts(host),
    'mounts own': mounts(own),
    'root own': of(['root', 'cwd'], (path) => [path]),
    'processes host': entries(host.processes, (process, name) => ({ words: [name, ...(process.program ? JSON.parse(process.program).map((word) => word.split('/').pop()) : [])], on: host.processes[process.parent] ? process.parent : undefined })),
    'processes own': of(['NSpid'], (numbers) => numbers.split(' ')),
    'hostname host': { hostname: { words: [host.hostname] } },
    'hostname own': of(['hostname'], (name) => [name]),
    'network host': interfaces(host),
    'network own': interfaces(own),
    'groups host': groups,
    'groups own': entries(own.cgroup, (path, hierarchy) => ({ words: [`${hierarchy}  ${path}`] })),
    'ids own': of(['Uid', 'Gid', 'Groups'], (text, key) => (key === 'Groups' ? [text || 'none'] : ids(text))),
    'capabilities own': of(['CapEff', 'CapPrm', 'CapInh', 'CapBnd', 'CapAmb'], (digits) => [`bits ${digits}`, ...members(digits)]),
    'seccomp own': of(['Seccomp', 'NoNewPrivs'], (value, key) => [`${key} ${value}:`]),
    'descriptors own': entries(own.descriptors, (what, number) => ({ words: [`${number}  ${what}`] })),
  };
}

// How many squares are filled: all, or as many as there are bits.
function members(digits) {
  const bits = BigInt(`0x${digits}`).toString(2).replaceAll('0', '').length;
  return [`squares ${bits};`];
}

/** What the page shows: runs in the page. */
export function shownRows() {
  const rows = {};
  for (const row of document.querySelectorAll('main [data-row]')) {
    for (const side of row.querySelectorAll('.side:not(.empty)')) {
      const whole = side.querySelectorAll('.whole');
      if (whole.length !== 1) throw new Error(`${row.dataset.row} has ${whole.length} tables`);
      const found = {};
      for (const item of whole[0].querySelectorAll('li[data-key]')) {
        const now = item.querySelector(':scope > .what > .now');
        const set = now.querySelector('[data-value]');
        const text = set ? `bits ${set.dataset.value} squares ${set.querySelectorAll('.on').length};` : now.textContent;
        found[item.dataset.key] = { text, on: item.parentElement.closest('li[data-key]')?.dataset.key };
      }
      rows[`${row.dataset.row} ${side.classList.contains('host') ? 'host' : 'own'}`] = found;
    }
  }
  const namespaces = Object.fromEntries([...document.querySelectorAll('main .namespaces li')].map((item) => [item.dataset.kind, { name: item.dataset.name, isOwn: item.classList.contains('own'), text: item.textContent }]));
  return { rows, namespaces, who: document.querySelector('main .step').dataset.who, call: document.querySelector('main .call').textContent };
}
