// What the page offers beyond text: tips, tabs, copying, printing; and that none of it is needed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { directories, launch, open, serve } from './books.js';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const PAGE = '01-every-kind.html';
const directory = directories.find(name => existsSync(join(name, PAGE)));
let browser, book;
before(async () => {
    assert.ok(directory, `none of the books in LAB_BOOKS has ${PAGE}; see README.md`);
    browser = await launch();
    book = await serve(directory);
});
after(async () => {
    book?.close();
    await browser?.close();
});

async function see(t, options) {
    const opened = await open(browser, `${book.origin}/${PAGE}`, options);
    t.after(opened.close);
    return opened.page;
}

test('without scripts everything is there', async t => {
    const page = await see(t, { scripts: false });
    for (const text of ['vpc-0a1b2c3d4e5f60718', 'Connection timed out', 'HTTP/1.1 200 OK', 'Setting up package-0', 'Subnet private']) {
        assert.ok(await page.getByText(text).first().isVisible(), text);
    }
    assert.ok(await page.locator('.lab-panel').first().isVisible());
    assert.ok(!await page.locator('.lab-panel').nth(1).isVisible());
    await page.getByText('45 more lines').click();
    assert.ok(await page.getByText('Setting up package-59').isVisible());
    await page.getByText('Amazon Linux 2023', { exact: true }).click();
    assert.ok(await page.locator('.lab-panel').nth(1).isVisible());
    assert.ok(!await page.locator('.lab-panel').first().isVisible());
});

test('a thing says what it is, and all its places light up', async t => {
    const page = await see(t);
    await page.locator('#block-show samp .lab-id').first().hover();
    assert.equal(await page.locator('.lab-tip').textContent(), 'VPC lab-vpc, $VPC');
    const same = await page.locator('.lab-same').locator('visible=true').count();
    assert.equal(same, await page.getByText(/^(\$?VPC|vpc-0a1b2c3d4e5f60718)$/).locator('visible=true').count());
    assert.ok(same > 4, `${same} places`);
    await page.mouse.move(2, 2);
    assert.ok(!await page.locator('.lab-tip').isVisible());
});

test('a picture has arrived, and fits', async t => {
    for (const [width, scripts] of [[1280, true], [390, true], [1280, false]]) {
        const page = await see(t, { width, scripts });
        const picture = page.locator('#block-browse img');
        await picture.scrollIntoViewIfNeeded();
        const [natural, shown, room] = await picture.evaluate(async img => {
            await img.decode();
            return [img.naturalWidth, img.getBoundingClientRect(), img.closest('.lab-block').getBoundingClientRect()];
        });
        assert.equal(natural, 960);
        assert.ok(shown.left >= room.left && shown.right <= room.right, `${width} pixels`);
        assert.ok(Math.abs(shown.width / shown.height - 960 / 880) < 0.02, 'it is not stretched');
        assert.equal(await picture.getAttribute('alt'), 'The page “It works, 日本” in a browser');
    }
});

test('a wide character is as wide as two', async t => {
    const page = await see(t);
    const [wide, narrow] = await page.locator('#block-far samp').evaluate(samp => {
        const ends = Array.from(samp.textContent.matchAll(/\|$/gm), match => match.index);
        const place = at => {
            const walker = document.createTreeWalker(samp, NodeFilter.SHOW_TEXT);
            for (let left = at; walker.nextNode(); left -= walker.currentNode.length) {
                if (left < walker.currentNode.length) {
                    const range = document.createRange();
                    range.setStart(walker.currentNode, left);
                    range.setEnd(walker.currentNode, left + 1);
                    return range.getBoundingClientRect().left;
                }
            }
        };
        return [place(ends[1]), place(ends[2])];
    });
    assert.ok(Math.abs(wide - narrow) < 1.5, `the table's edge is at ${wide} and at ${narrow}`);
});

test('the chosen system is remembered', async t => {
    const page = await see(t);
    await page.getByText('Amazon Linux 2023', { exact: true }).click();
    await page.reload();
    assert.ok(await page.locator('.lab-panel').nth(1).isVisible());
    assert.ok(await page.getByText('not recorded', { exact: true }).first().isVisible());
});

test('copying copies commands only', async t => {
    const page = await see(t);
    const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
    const show = page.locator('#block-show');
    await show.locator('.lab-typed').hover();
    await show.locator('.clip-button').click();
    assert.equal((await clipboard()).trim(), 'aws ec2 describe-vpcs --vpc-ids $VPC');
    const talk = page.locator('#block-talk');
    await talk.locator('.lab-terminal').hover();
    await talk.locator('.lab-copy').click();
    assert.equal(await clipboard(), 'telnet 10.0.1.20 8080\nGET / HTTP/1.1\nHost: web\n\nquit\n');
    // What was printed has no button.
    const buttons = await page.locator('.lab-output button').count();
    assert.equal(buttons, 0);
});

test('paper is white and shows everything', async t => {
    const page = await see(t, { theme: 'navy' });
    await page.emulateMedia({ media: 'print' });
    await page.evaluate(() => window.dispatchEvent(new Event('beforeprint')));
    assert.ok(await page.getByText('Setting up package-59').isVisible());
    for (const panel of await page.locator('.lab-panel').all()) {
        assert.ok(await panel.isVisible());
    }
    const [paper, ink] = await page.evaluate(() => {
        const style = getComputedStyle(document.documentElement);
        return [style.backgroundColor, style.color];
    });
    assert.deepEqual([paper, ink], ['rgb(255, 255, 255)', 'rgb(0, 0, 0)']);
    // Words of code in the prose, too, which the highlighter's style sheets give dark paper.
    const words = await page.locator('p > code').first().evaluate(code => getComputedStyle(code).backgroundColor);
    const lightness = Math.min(...words.match(/\d+/g).slice(0, 3).map(Number));
    assert.ok(lightness > 200, words);
    assert.ok(await page.getByText("ProxyCommand='ssh").isVisible());
});

test('the picture has the subnets beside each other where there is room, else below each other', async t => {
    for (const [width, shown] of [[1280, '.lab-wide'], [390, '.lab-narrow']]) {
        const page = await see(t, { width });
        const visible = page.locator('#block-topology svg').locator('visible=true');
        assert.equal(await visible.count(), 1);
        assert.ok((await visible.getAttribute('class')).includes(shown.slice(1)));
        const size = await visible.locator('text').first().evaluate(text => text.getBoundingClientRect().height);
        assert.ok(size > 10, `letters are ${size} pixels high at ${width}`);
    }
});
