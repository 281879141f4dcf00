// Every page of every book: nothing is amiss, nothing leaves, nothing is wider than the screen, all can be read.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { directories, launch, open, pages, serve } from './books.js';

let browser;
before(async () => {
    browser = await launch();
});
after(() => browser.close());

for (const directory of directories) {
    test(`${directory} at all sizes and in both schemes`, async t => {
        const book = await serve(directory);
        t.after(book.close);
        const names = await pages(directory);
        assert.ok(names.length > 2, `${directory} holds no book`);
        for (const width of [390, 1280]) {
            for (const [scheme, scripts] of [['light', true], ['dark', true], ['light', false]]) {
                const opened = await open(browser, `${book.origin}/${names[0]}`, { width, scheme, scripts });
                const { page, complaints, close } = opened;
                for (const name of names) {
                    await page.goto(`${book.origin}/${name}`, { waitUntil: 'load' });
                    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
                    const where = `${name}, ${width} pixels, ${scheme}, ${scripts ? 'with' : 'without'} scripts`;
                    assert.deepEqual(complaints, [], where);
                    assert.ok(wide <= 0, `${where}: ${wide} pixels too wide`);
                    assert.ok(await page.locator('h1').last().isVisible(), `${where}: nothing to read`);
                }
                await close();
            }
        }
    });

    test(`${directory} has no link that leads nowhere`, async t => {
        const book = await serve(directory);
        t.after(book.close);
        const { page, complaints, close } = await open(browser, `${book.origin}/index.html`);
        t.after(close);
        const places = new Map();
        const links = [];
        // The page for what is not there is shown at any address, and only its links to the root are right everywhere.
        for (const name of (await pages(directory)).filter(name => name !== '404.html')) {
            await page.goto(`${book.origin}/${name}`, { waitUntil: 'load' });
            const found = await page.evaluate(() => ({
                ids: Array.from(document.querySelectorAll('[id], a[name]'), element => element.id || element.name),
                links: Array.from(document.querySelectorAll('a[href]'), element => element.href),
            }));
            places.set(`/${name}`, new Set(found.ids));
            links.push(...found.links.map(link => [name, new URL(link)]));
        }
        assert.deepEqual(complaints, []);
        const own = links.filter(([, link]) => link.origin === book.origin);
        assert.ok(own.length > 10, `only ${own.length} links`);
        for (const [name, link] of own) {
            const path = link.pathname === '/' ? '/index.html' : link.pathname;
            const ids = places.get(path);
            const id = decodeURIComponent(link.hash.slice(1));
            // What is no page is a file: a picture.
            const there = ids ? !id || ids.has(id) : (await page.request.get(link.href)).ok();
            assert.ok(there, `${name} links to ${link.href}`);
        }
    });

    for (const theme of ['light', 'rust', 'coal', 'navy', 'ayu']) {
        test(`${directory} can be read in the theme ${theme}`, async t => {
            const book = await serve(directory);
            t.after(book.close);
            const { page, close } = await open(browser, `${book.origin}/print.html`, { theme });
            t.after(close);
            const { count, faint } = await page.evaluate(contrasts);
            assert.ok(count > 10, `only ${count} pieces of text were measured`);
            assert.deepEqual(faint, []);
        });
    }
}

/** Runs in the page: the pieces of text of blocks whose contrast is below 4.5 to 1 (WCAG AA). */
function contrasts() {
    const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 });
    const pen = canvas.getContext('2d', { willReadFrequently: true });
    const pixel = (...colours) => {
        pen.clearRect(0, 0, 1, 1);
        colours.forEach(colour => {
            pen.fillStyle = colour;
            pen.fillRect(0, 0, 1, 1);
        });
        return pen.getImageData(0, 0, 1, 1).data;
    };
    const light = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map(value => {
            const part = value / 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const background = element => {
        const layers = [];
        for (let at = element; at; at = at.parentElement) {
            layers.unshift(getComputedStyle(at).backgroundColor);
        }
        return pixel('#fff', ...layers);
    };
    const found = new Map();
    let count = 0;
    const all = '.lab-recorded, .lab-block span, .lab-block kbd, .lab-block samp, .lab-block a, .lab-block summary, .lab-block strong, .lab-block p, .lab-block time';
    for (const element of document.querySelectorAll(all)) {
        const text = Array.from(element.childNodes).filter(node => node.nodeType === 3).map(node => node.data.trim()).join('');
        // A file's colours are those of mdBook's own highlighter.
        if (!text || element.closest('code:not(.nohighlight)')) {
            continue;
        }
        count += 1;
        const [a, b] = [light(pixel(getComputedStyle(element).color)), light(background(element))];
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (contrast < 4.5) {
            const colour = `${element.className} ${getComputedStyle(element).color}`;
            found.set(colour, `${colour}: ${contrast.toFixed(2)} (${text.slice(0, 30)})`);
        }
    }
    return { count, faint: [...found.values()] };
}
