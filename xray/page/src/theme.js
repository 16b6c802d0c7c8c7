// Light or dark: as the system has it, until somebody says otherwise.

const KEY = 'rubber-docker-xray-theme';
const dark = matchMedia('(prefers-color-scheme: dark)');

// A page from a file may be denied a place to remember things.
const remembered = () => { try { return localStorage.getItem(KEY); } catch { return null; } };

export const theme = () => document.documentElement.dataset.theme ?? (dark.matches ? 'dark' : 'light');

export function start(changed) {
  const kept = remembered();
  if (kept === 'dark' || kept === 'light') document.documentElement.dataset.theme = kept;
  dark.addEventListener('change', changed);
}

export function toggle() {
  const next = theme() === 'dark' ? 'light' : 'dark';
  document.documentElement.dataset.theme = next;
  try { localStorage.setItem(KEY, next); } catch { /* it holds until the page is closed */ }
}
