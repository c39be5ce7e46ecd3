// A stand-in for LM Studio's command `lms`, which is in no package registry. It implements `lms server
// start|stop|status` and `lms ps` according to LM Studio's documentation, and its files according to the command's
// published source. Its server serves one model. Other behavior of LM Studio is not simulated.
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, get } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const self = fileURLToPath(import.meta.url);
const internal = join(dirname(dirname(self)), '.internal');
const configFile = join(internal, 'http-server-config.json');
const pidFile = join(internal, 'stand-in.pid');
const args = process.argv.slice(2);

function config() {
  return existsSync(configFile) ? JSON.parse(readFileSync(configFile, 'utf8')) : undefined;
}

function isRunning() {
  const port = config()?.port;
  if (port === undefined) return Promise.resolve(false);
  return new Promise((resolve) => {
    get({ host: '127.0.0.1', port, path: '/lmstudio-greeting', agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).on('error', () => resolve(false));
  });
}

function serve() {
  const json = (response, body) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
  const server = createServer((request, response) => {
    if (request.url === '/lmstudio-greeting') return json(response, { lmstudio: true });
    if (request.url === '/v1/models') return json(response, { object: 'list', data: [{ id: 'qwen/qwen3-4b' }] });
    request.resume();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const choice = (delta, finish) =>
      `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
    response.end(`${choice({ content: 'Standing in.' }, null)}${choice({}, 'stop')}data: [DONE]\n\n`);
  });
  server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
}

async function start() {
  process.stderr.write('Starting server...\n');
  // The server inherits the command's output streams, as a started program may.
  const child = spawn(process.execPath, [self, '--serve'], {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const { port } = await new Promise((resolve) => child.once('message', resolve));
  mkdirSync(internal, { recursive: true });
  writeFileSync(configFile, JSON.stringify({ port }));
  writeFileSync(pidFile, String(child.pid));
  child.disconnect();
  child.unref();
  process.stderr.write(`Success! Server is now running on port ${port}\n`);
}

async function stop() {
  if (!(await isRunning())) {
    process.stderr.write('The server is not running.\n');
    process.exitCode = 1;
    return;
  }
  process.kill(Number(readFileSync(pidFile, 'utf8')));
  while (await isRunning()) await new Promise((resolve) => setTimeout(resolve, 10));
  process.stderr.write('Stopped the server.\n');
}

/** The behavior that a test has set: `hang`, `garbage` or `refuse`. */
const modeFile = join(internal, 'stand-in.mode');
const mode = existsSync(modeFile) ? readFileSync(modeFile, 'utf8') : '';
if (existsSync(internal))
  appendFileSync(join(internal, 'stand-in.calls'), `${JSON.stringify({ args, env: process.env })}\n`);

if (args[0] === '--serve') serve();
else if (mode === 'hang') setInterval(() => {}, 1000);
else if (mode === 'garbage') process.stdout.write('Segmentation fault? {"running": "maybe"}\n');
else if (args[0] === 'ps')
  process.stdout.write(
    `${JSON.stringify([{ type: 'llm', modelKey: 'qwen/qwen3-4b', identifier: 'qwen/qwen3-4b' }])}\n`,
  );
else if (args[1] === 'status') {
  const running = await isRunning();
  if (!args.includes('--quiet'))
    process.stderr.write(running ? 'The server is running.\n' : 'The server is not running.\n');
  if (args.includes('--json')) process.stdout.write(`${JSON.stringify({ running, port: config()?.port ?? null })}\n`);
} else if (mode === 'refuse') {
  process.stderr.write('Failed to start LM Studio service.\n');
  process.exitCode = 1;
} else if (args[1] === 'start') await start();
else await stop();
