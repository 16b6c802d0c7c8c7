// The five sets of capabilities: a square for each that there is.

import { html } from 'lit-html';
import { compare } from '../entries.js';

const SETS = { CapEff: 'effective', CapPrm: 'permitted', CapInh: 'inheritable', CapBnd: 'bounding', CapAmb: 'ambient' };
const pick = (view) => view && Object.fromEntries(Object.keys(SETS).filter((key) => view[key] !== undefined).map((key) => [key, view[key]]));

/** The names in a set that `/proc` writes as hexadecimal digits. */
export function members(digits, names) {
  const bits = BigInt(`0x${digits || '0'}`);
  const known = names.filter((_, number) => (bits >> BigInt(number)) & 1n);
  const others = Array.from({ length: Math.max(0, 64 - names.length) }, (_, at) => at + names.length).filter((number) => (bits >> BigInt(number)) & 1n);
  return [...known, ...others.map(String)];
}

function draw(key, was, now, names) {
  const [before, after] = [new Set(members(was ?? now, names)), members(now, names)];
  const has = new Set(after);
  const gone = [...before].filter((name) => !has.has(name));
  const gained = after.filter((name) => !before.has(name));
  const square = (name) => html`<i class=${has.has(name) ? (before.has(name) ? 'on' : 'on gained') : before.has(name) ? 'gone' : ''} title=${name}></i>`;
  const list = (label, which) => (which.length === 0 ? '' : html`<span class="names"><b>${label}</b> ${which.join(', ')}</span>`);
  return html`<span class="set" data-value=${now}><span>${SETS[key]}</span><span class="bits" aria-hidden="true">${names.map(square)}</span><span>${after.length === 0 ? 'none' : after.length === names.length ? `all ${after.length}` : `${after.length} of ${names.length}`}</span></span>${list('gone', gone)}${list('new', gained)}${gone.length + gained.length === 0 && after.length > 0 && after.length < names.length ? list('', after) : ''}`;
}

export const capabilities = {
  id: 'capabilities',
  title: 'capabilities',
  keys: Object.keys(SETS),
  own(before, after, context) {
    const entries = compare(pick(before), pick(after), (digits, key) => `${SETS[key]}  ${digits}`);
    return entries.map((entry) => ({ ...entry, draw: () => draw(entry.key, before?.[entry.key], entry.value, context.capabilities) }));
  },
  short(entries, context) {
    const of = (key) => members(entries.find((entry) => entry.key === key)?.value, context.capabilities).length;
    return `${of('CapEff')} effective, ${of('CapBnd')} bounding`;
  },
};
