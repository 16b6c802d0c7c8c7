// The parts of the course, as the levels' own files have them.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './deck.mjs';

const partOf = (name) => /^part = (\d+)$/m.exec(readFileSync(join(repository, 'levels', name, 'level.toml'), 'utf8'))[1];

const levels = readdirSync(join(repository, 'levels')).filter((name) => /^\d\d_/.test(name)).sort()
  .map((name) => ({ level: Number(name.slice(0, 2)), part: partOf(name) }));

/** The numbers of all levels in the part that this one is in. */
export function besideLevel(number) {
  const own = levels.find(({ level }) => level === number)?.part;
  return levels.filter(({ part }) => part === own).map(({ level }) => level);
}
