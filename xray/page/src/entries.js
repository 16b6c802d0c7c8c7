// A row of the kernel's state is a list of entries: `{ key, text, mark, was, kind, under }`.
// `mark` says whether it is new, gone, another one or as it was; `under` is the key of the
// entry that it hangs below. `brief` says of a change only what is another one: `[was, now]`.

import { html, nothing } from 'lit-html';

/** What an unknown value says: nothing is left out, and nothing is more than text. */
export function words(value) {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map(words).join(', ');
  if (typeof value === 'object') return Object.entries(value).map(([key, inner]) => `${key} ${words(inner)}`).join(', ');
  return String(value);
}

/**
 * Entries from two objects with the same keys: `text(value, key)` says one, `kind(before, after)`
 * in what it has changed.
 */
export function compare(before, after, text = words, kind = () => 'changed', under = () => undefined) {
  const first = before === undefined;
  const old = new Map(Object.entries(before ?? {}));
  const entries = Object.entries(after ?? {}).map(([key, value]) => {
    const entry = { key, text: text(value, key), under: under(value), value };
    if (first) return { ...entry, mark: 'same' };
    if (!old.has(key)) return { ...entry, mark: 'new', kind: 'new' };
    const was = text(old.get(key), key);
    return was === entry.text ? { ...entry, mark: 'same' } : { ...entry, mark: 'changed', was, kind: kind(old.get(key), value) };
  });
  for (const [key, value] of old) {
    if (!Object.hasOwn(after ?? {}, key)) entries.push({ key, text: text(value, key), mark: 'gone', kind: 'gone', under: under(value), value });
  }
  return entries;
}

export const hasChanged = (entries) => entries.some((entry) => entry.mark !== 'same');

const SIGNS = { new: '+', gone: '−', changed: '~', same: '' };
const SAID = { new: 'new: ', gone: 'gone: ', changed: 'changed: ', same: '' };

function line(entry, context, full) {
  const [was, now] = entry.mark === 'changed' && !full && entry.brief ? entry.brief : [entry.was, entry.text];
  const text = entry.draw ? entry.draw() : context.short(now);
  return html`<span class="sign" aria-hidden="true">${SIGNS[entry.mark]}</span><span class="unseen">${SAID[entry.mark]}</span><span class="what">${was === undefined || full || entry.draw ? nothing : html`<del><span class="unseen">it was </span>${context.short(was)}</del> <span aria-hidden="true">→</span> `}<span class="now">${text}</span></span>`;
}

/** A tree of entries, as lists in lists. */
export function tree(entries, context, full = true) {
  const keys = new Set(entries.map((entry) => entry.key));
  const below = (key) => entries.filter((entry) => (keys.has(entry.under) ? entry.under : undefined) === key);
  const list = (key, seen) => {
    const these = below(key).filter((entry) => !seen.has(entry.key));
    return these.length === 0 ? nothing : html`<ul class="entries">${these.map((entry) => html`<li class=${entry.mark} data-key=${entry.key}>${line(entry, context, full)}${list(entry.key, new Set([...seen, entry.key]))}</li>`)}</ul>`;
  };
  return list(undefined, new Set());
}

/** More of one kind than these are told in one sentence, and unfold. */
export const MANY = 5;

/** What has changed in these entries; many of a kind are one sentence. */
export function changes(entries, context, sentence = (kind, of) => `${of.length}: ${kind}`) {
  const changed = entries.filter((entry) => entry.mark !== 'same');
  const kinds = Map.groupBy ? Map.groupBy(changed, (entry) => entry.kind) : group(changed);
  const flat = (of) => html`<ul class="entries">${of.map((entry) => html`<li class=${entry.mark} data-key=${entry.key}>${line(entry, context, false)}</li>`)}</ul>`;
  return [...kinds].map(([kind, of]) => (of.length > MANY
    ? html`<details class="fold ${of[0].mark}"><summary><span class="what">${sentence(kind, of)}</span></summary>${flat(of)}</details>`
    : flat(of)));
}

function group(entries) {
  const kinds = new Map();
  for (const entry of entries) kinds.set(entry.kind, [...(kinds.get(entry.kind) ?? []), entry]);
  return kinds;
}
