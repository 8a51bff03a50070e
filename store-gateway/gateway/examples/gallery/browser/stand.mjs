// What the two browser checks share: a server that plays the gateway with the gallery's pages, and Chromium.
// Needs playwright-core and axe-core where NODE_MODULES says, and the pages that `--example gallery` drew in GALLERY.

import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';

const need = (name) => process.env[name] ?? fail(`set ${name}`);
const fail = (words) => {
  throw new Error(words);
};
export const gallery = path.resolve(need('GALLERY'));
const require = createRequire(path.join(path.resolve(need('NODE_MODULES')), 'x.js'));
export const axeSource = () => fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

export const POLICY = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
  + "frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
const TYPES = { '.css': 'text/css', '.js': 'text/javascript', '.svg': 'image/svg+xml', '.html': 'text/html' };

export const browser = () => require('playwright-core').chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
});

/** Serves the gallery's files; `answer(request, url, body, response)` may take a request first. */
export async function serve(answer = () => false) {
  const server = http.createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const url = new URL(request.url, 'http://stand');
    if (answer(request, url, body, response)) return;
    const file = path.join(gallery, path.normalize(decodeURIComponent(url.pathname)));
    if (!fs.existsSync(file) || fs.statSync(file).isDirectory()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-type': TYPES[path.extname(file)] ?? 'text/plain', 'Content-Security-Policy': POLICY });
    response.end(fs.readFileSync(file));
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return { base: `http://127.0.0.1:${server.address().port}`, stop: () => { server.closeAllConnections(); server.close(); } };
}
