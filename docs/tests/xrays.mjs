// Looks at the X-rays in a page: each opens at the step it is said to, in the book's theme, and
// on paper there is a picture in its place.

const DARK = ['navy', 'coal', 'ayu'];

export async function xraysOf(tab, page, theme) {
    const faults = [];
    for (const figure of await tab.locator('.xray').all()) {
        const [title, call] = [await figure.getAttribute('data-title'), await figure.getAttribute('data-call')];
        const complain = (what) => faults.push(`the frame "${title}" ${what}`);
        const frame = figure.locator('iframe');
        if (page === 'print.html') {
            if (await frame.count() > 0) complain('is on the page of all pages');
            continue;
        }
        if (await frame.getAttribute('title') !== title) complain('has no title for those who hear it');
        await frame.scrollIntoViewIfNeeded(); // only then is it loaded
        const inside = await (await frame.elementHandle()).contentFrame();
        const shown = inside.locator('.step .call b');
        await shown.waitFor({ timeout: 300_000 }).catch(() => complain('shows no step'));
        if (await shown.textContent() !== call) complain(`opens at ${await shown.textContent()}`);
        const isDark = await inside.evaluate(() => matchMedia('(prefers-color-scheme: dark)').matches);
        if (isDark !== DARK.includes(theme)) complain('has another theme than the book');
        const box = await inside.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
        if (box[0] > box[1]) complain('scrolls sideways');
    }
    const figures = await tab.locator('.xray').count();
    if (figures > 0) faults.push(...await onPaper(tab, figures));
    return faults;
}

async function onPaper(tab, figures) {
    await tab.emulateMedia({ media: 'print' });
    const visible = async (what) => (await tab.locator(`.xray ${what}`).all()).map((each) => each.isVisible());
    const [left, pictures] = [await Promise.all(await visible('iframe')), await Promise.all(await visible('img'))];
    await tab.emulateMedia({ media: null });
    const faults = [];
    if (left.includes(true)) faults.push('a frame of an X-ray is on paper');
    if (pictures.filter(Boolean).length !== figures) faults.push(`${figures} X-rays, and on paper ${pictures.filter(Boolean).length} pictures`);
    return faults;
}
