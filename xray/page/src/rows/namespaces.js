// The namespaces by their names. They are drawn as a strip; here they are compared.

import { compare } from '../entries.js';

export const namespaces = {
  id: 'namespaces',
  title: 'namespaces',
  keys: ['namespaces'],
  isStrip: true,
  own: (before, after) => compare(before?.namespaces, after.namespaces, (name, kind) => `${kind}  ${name}`),
  short: (entries) => entries.map((entry) => entry.text).join(', '),
};
