import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

/** The default port. The first argument overrides it. */
const PORT = 8642;

/** `npm run demo:page`: serves a page that shows web developers how to use models. */
const port = Number(process.argv[2] ?? PORT);
const page = await readFile(new URL('index.html', import.meta.url));
const server = createServer((_, response) => {
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
  response.end(page);
});
server.listen(port, '127.0.0.1', () => {
  process.stdout.write(`Open http://127.0.0.1:${port}/, allow it in the TabAgent popup, and reload the page.\n`);
});
