// Whether a reader without a mouse comes everywhere.

export async function keysLeadTo(tab) {
    const faults = [];
    const focused = () => tab.evaluate(() => document.activeElement.id || document.activeElement.className);
    await tab.keyboard.press('Tab');
    if (await focused() !== 'skip') faults.push(`the first Tab leads to ${await focused()}, and not past the list of chapters`);
    await tab.keyboard.press('Enter');
    if (await focused() !== 'mdbook-content') faults.push(`the skip link leads to ${await focused()}`);

    // The list of chapters opens and closes.
    const button = tab.getByRole('button', { name: 'Table of contents' });
    if (await button.count() === 0) return [...faults, 'there is no button for the list of chapters'];
    const before = await button.getAttribute('aria-expanded');
    await button.focus();
    await tab.keyboard.press('Enter');
    if (await button.getAttribute('aria-expanded') === before) faults.push('no key opens the list of chapters');
    await tab.keyboard.press('Enter');

    // An area that scrolls is stopped at, shows it, and keeps the arrows for itself.
    const area = tab.locator('pre > code[tabindex]').first();
    if (await area.count() > 0) {
        const page = tab.url();
        await area.focus();
        await tab.keyboard.press('Shift+Tab');
        await tab.keyboard.press('Tab');
        if (await area.evaluate((it) => getComputedStyle(it).outlineStyle) === 'none') faults.push('an area that scrolls does not show that it has the focus');
        await tab.keyboard.press('ArrowRight');
        if (!await area.evaluate((it) => it === document.activeElement) || tab.url() !== page) faults.push('an arrow in an area that scrolls leaves the page');
    }
    return faults;
}
