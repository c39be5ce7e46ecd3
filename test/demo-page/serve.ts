import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

/** Where the page is served, unless the first argument is another port. */
const PORT = 8642;

/** Serves the page that shows site authors how to use models: `npm run demo:page`. */
const port = Number(process.argv[2] ?? PORT);
const page = await readFile(new URL('index.html', import.meta.url));
const server = createServer((_, response) => {
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
  response.end(page);
});
server.listen(port, '127.0.0.1', () => {
  process.stdout.write(`Open http://127.0.0.1:${port}/, allow it in TabAgent's popup, and reload the page.\n`);
});
