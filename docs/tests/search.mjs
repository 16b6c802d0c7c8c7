// Looks for words as a reader would write them, and says which do not lead to their page.

// What is typed, and a page that must be among the first three.
const WORDS = [
    ['pivot_root', 'lessons/03.html'],
    ['userns', 'glossary.html'],
    ['user namespace', 'prepare/namespaces.html'],
    ['cgv2', 'glossary.html'],
    ['cgroup v2', 'glossary.html'],
    ['uid map', 'glossary.html'],
    ['uid_map', 'glossary.html'],
    ['netns', 'glossary.html'],
    ['eBPF', 'prepare/ebpf.html'],
    ['move_mount', 'prepare/mount-api.html'],
    ['RESOLVE_IN_ROOT', 'prepare/mount-api.html'],
    ['cheat sheet 03', 'cheatsheets/03.html'],
];

export async function searchFaults(tab) {
    const faults = [];
    await tab.keyboard.press('s');
    const bar = tab.locator('#mdbook-searchbar');
    for (const [words, page] of WORDS) {
        await bar.fill(words);
        await bar.press('End'); // it listens to keys
        const header = tab.locator('#mdbook-searchresults-header', { hasText: `'${words}'` });
        const found = await header.waitFor({ timeout: 60_000 }).then(() => tab.locator('#mdbook-searchresults li a').evaluateAll((links) => links.map(({ href }) => href)), () => []);
        if (!found.slice(0, 3).some((href) => href.includes(`/${page}`))) faults.push(`"${words}" finds, and not ${page}: ${found.slice(0, 3).map((href) => href.split('/book/')[1]).join(', ') || 'nothing'}`);
    }
    return faults;
}
