// What a class board has written at its end: how many minutes levels have taken, `02 31` a line.
// The lines of several classes may stand behind each other.

/** `02` -> `{ count, middle, most }`: of how many learners, the median, and 90 of 100 took no longer. */
export function readMinutes(text, file) {
  const took = new Map();
  text.split('\n').forEach((line, index) => {
    if (line === '' || line.startsWith('#')) return;
    const [, level, minutes] = /^(\d\d|rd) (\d+)$/.exec(line) ?? [];
    if (!level) throw new Error(`${file}:${index + 1}: "${line}" is no level and its minutes, as "02 31" is; cargo workshop board --minutes writes them`);
    took.set(level, [...took.get(level) ?? [], Number(minutes)]);
  });
  return new Map([...took].map(([level, all]) => {
    all.sort((one, other) => one - other);
    const at = (share) => all[Math.ceil(share * all.length) - 1];
    return [level, { count: all.length, middle: at(0.5), most: at(0.9) }];
  }));
}
