// Merge patches (RFC 7386), as xray/src/difference.rs makes them. Nothing is changed in place:
// what two moments have in common is the same object.

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

/** What `patch` makes of `view`. */
export function lay(patch, view) {
  if (!isObject(patch)) return patch;
  const laid = new Map(isObject(view) ? Object.entries(view) : []);
  for (const [key, change] of Object.entries(patch)) {
    if (change === null) laid.delete(key);
    else laid.set(key, lay(change, laid.get(key)));
  }
  // Not by assignment: a key may be called `__proto__`.
  return Object.fromEntries(laid);
}
