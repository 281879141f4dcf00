// The books to look at, and a browser to look at them with.
import { createServer } from 'node:http';
import { readFile, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { extname, join, normalize } from 'node:path';

// Outside of the clone; see README.md.
const { chromium } = createRequire(`${process.env.LAB_BROWSER}/`)('playwright-core');

const TYPES = {
    '.html': 'text/html; charset=utf-8', '.css': 'text/css', '.js': 'text/javascript', '.svg': 'image/svg+xml',
    '.png': 'image/png', '.woff2': 'font/woff2', '.json': 'application/json',
};

export const directories = (process.env.LAB_BOOKS ?? '').split(':').filter(Boolean);
if (directories.length === 0) {
    throw new Error('LAB_BOOKS lists no books to look at; see README.md');
}

/** Serves a book's directory on a port of its own. */
export async function serve(directory) {
    const server = createServer(async (request, response) => {
        const path = normalize(decodeURIComponent(new URL(request.url, 'http://book').pathname));
        try {
            const body = await readFile(join(directory, path));
            response.writeHead(200, { 'Content-Type': TYPES[extname(path)] ?? 'application/octet-stream' }).end(body);
        } catch {
            response.writeHead(404).end();
        }
    });
    await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
    return { origin: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

/** The names of a book's pages. */
export async function pages(directory) {
    const names = (await readdir(directory)).filter(name => name.endsWith('.html'));
    // The contents are loaded by the others as a frame.
    return names.filter(name => name !== 'toc.html').sort();
}

export function launch() {
    const executablePath = process.env.LAB_CHROMIUM ?? '/usr/bin/chromium';
    return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-quic'] });
}

/** A page whose complaints are collected. */
export async function open(browser, url, { width = 1280, scheme = 'light', theme, scripts = true } = {}) {
    const context = await browser.newContext({
        viewport: { width, height: 900 }, colorScheme: scheme, javaScriptEnabled: scripts, hasTouch: width < 600,
    });
    await context.grantPermissions(['clipboard-read', 'clipboard-write']).catch(() => {});
    if (theme && scripts) {
        await context.addInitScript(name => localStorage.setItem('mdbook-theme', name), theme);
    }
    const page = await context.newPage();
    const complaints = [];
    const { origin } = new URL(url);
    page.on('console', message => {
        if (['error', 'warning'].includes(message.type())) {
            complaints.push(`console: ${message.text()}`);
        }
    });
    page.on('pageerror', error => complaints.push(`script: ${error.message}`));
    page.on('requestfailed', request => {
        // Ended by going to the next page.
        if (request.failure().errorText !== 'net::ERR_ABORTED') {
            complaints.push(`failed: ${request.url()}`);
        }
    });
    page.on('request', request => {
        if (!request.url().startsWith(origin) && !request.url().startsWith('data:')) {
            complaints.push(`left the book: ${request.url()}`);
        }
    });
    page.on('response', response => {
        if (response.status() >= 400) {
            complaints.push(`${response.status()}: ${response.url()}`);
        }
    });
    await page.goto(url, { waitUntil: 'load' });
    return { page, complaints, close: () => context.close() };
}
