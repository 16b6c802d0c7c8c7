// The seven namespaces of a process: dashed where it is in the host's, solid where it has its
// own.

import { html } from 'lit-html';

const KINDS = [
  ['mnt', 'file systems'],
  ['uts', 'hostname'],
  ['pid', 'processes'],
  ['ipc', 'shared memory'],
  ['net', 'network'],
  ['cgroup', 'control group'],
  ['user', 'users'],
];

// These begin as copies: of the same mounts, of the same name.
const COPIED = new Set(['mnt', 'uts']);

export function namespacesView({ own, who }) {
  const [before, now] = [own.before?.namespaces, own.after.namespaces ?? {}];
  const box = ([kind, words]) => {
    const name = now[kind];
    const isOwn = name !== undefined && name !== 'host';
    const isNew = isOwn && before !== undefined && before[kind] !== name;
    const forChildren = kind === 'pid' && now.pid_for_children;
    const state = name === undefined ? 'unknown' : isOwn ? 'its own' : forChildren ? 'its children’s own' : 'the host’s';
    return html`<li class="${isOwn ? 'own' : 'hosts'}${isNew ? ' new' : ''}" data-kind=${kind} data-name=${name ?? ''}><b>${words}</b><span>${isNew ? html`<mark>${COPIED.has(kind) ? 'own copy now' : 'new now'}</mark>` : state}</span></li>`;
  };
  return html`<section class="namespaces" aria-label="Namespaces of ${who}"><ul>${KINDS.map(box)}</ul></section>`;
}
