import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BROWSERS, BrowserFixture } from '../support/extension/browser-fixture.ts';
import type { PageDriver } from '../support/extension/page-driver.ts';
import { findProgram } from '../support/find-program.ts';
import type { BenchResult } from './result.ts';

/** Number of measurements. The result is the median. */
const ROUNDS = 5;

const MESSAGES = 1_000;
const OPEN_GOAL_MS = 300;

const MODELS = 10_000;
const FILTER_GOAL_MS = 50;

const ANSWER_CHARACTERS = 80_000;
const FRAME_GOAL_MS = 50;

/** Characters per streamed event, and the pause between events in milliseconds: 100 events per second. */
const EVENT_CHARACTERS = 80;
const PAUSE_MS = 10;

/** A part of an answer that contains every kind of Markdown that is rendered. */
const PART = `## Areas

The area of a circle is $A = \\pi r^2$, and **not** $2\\pi r$. It is used for:

- pipes, whose flow grows with \\(r^4\\)
- pizzas

\`\`\`ts
const area = (r: number): number => Math.PI * r ** 2; // of a circle
\`\`\`

| r | area |
|---|---|
| 1 | 3.14 |

$$\\int_0^{2\\pi}\\!\\int_0^r \\rho \\, d\\rho \\, d\\varphi = \\pi r^2$$

`;

/**
 * Measures the extension's views in Chromium: opening a long conversation, filtering many models, and streaming a long
 * answer.
 */
export async function run(): Promise<BenchResult[]> {
  const [kind] = BROWSERS;
  const program = findProgram(...(kind?.programs ?? []));
  if (kind === undefined || program === undefined) throw new Error('Chromium is not installed');
  const server = createServer((request, response) => {
    if (request.url?.endsWith('/chat/completions')) void stream(response);
    else response.end(JSON.stringify({ data: [{ id: 'long' }] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const bench = await BrowserFixture.open(kind, program, { repos: {} });
  try {
    const models = Array.from({ length: MODELS }, (_, index) => `model-${index}-${index % 7 === 0 ? 'coder' : 'chat'}`);
    await bench.configure({ remoteEngines: [{ name: 'many', url, models: ['long', ...models] }] });
    bench.install();
    // Browsers draw a page that is not in front once a second.
    await bench.waitForWelcomePage();
    const panel = await bench.page('sidepanel.html');
    await panel.waitForText('header', 'Connected');
    return [await openLong(panel), await filterMany(bench), await streamLong(panel)];
  } finally {
    await bench.close();
    server.closeAllConnections();
    server.close();
  }
}

async function stream(response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const text = PART.repeat(Math.ceil(ANSWER_CHARACTERS / PART.length)).slice(0, ANSWER_CHARACTERS);
  for (let at = 0; at < text.length; at += EVENT_CHARACTERS) {
    const choices = [{ delta: { content: text.slice(at, at + EVENT_CHARACTERS) } }];
    response.write(`data: ${JSON.stringify({ choices })}\n\n`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  response.end(`data: ${JSON.stringify({ choices: [{ delta: {}, finish_reason: 'stop' }] })}\n\ndata: [DONE]\n\n`);
}

async function openLong(panel: PageDriver): Promise<BenchResult> {
  await panel.request('CREATE_CONVERSATION', { id: 'long', title: 'Long' });
  for (let at = 0; at < MESSAGES; at += 100) {
    const messages = Array.from({ length: 100 }, (_, index) => ({
      role: index % 2 === 0 ? 'user' : 'assistant',
      content: index % 2 === 0 ? `Question ${at + index}?` : `Answer ${at + index}.\n\n${PART}`,
    }));
    await panel.request('ADD_MESSAGES', { id: 'long', messages });
  }
  const times: number[] = [];
  let longestFrame = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    await panel.click('header [aria-label="New chat"]');
    await panel.click('header [aria-label="Conversations"]');
    await panel.waitForElement('.row .open');
    times.push(
      Number(
        await panel.evaluate(`new Promise((resolve) => {
          const start = performance.now();
          document.querySelector('.row .open').click();
          const isShown = () => document.querySelector('.messages')?.textContent.includes('Answer ${MESSAGES - 1}.');
          const check = () => (isShown() ? requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start))) : requestAnimationFrame(check));
          check();
        })`),
      ),
    );
    longestFrame = Number(await panel.evaluate(SCROLL));
  }
  return {
    name: `conversation of ${MESSAGES} messages, click to last message, ms`,
    ratio: median(times),
    goal: `at most ${OPEN_GOAL_MS}`,
    ok: median(times) <= OPEN_GOAL_MS,
    detail: `median of ${ROUNDS}; longest frame while scrolling: ${longestFrame.toFixed(0)} ms`,
  };
}

/** Scrolls up by a page in each of 30 frames. Evaluates to the duration of the longest, in milliseconds. */
const SCROLL = `new Promise((resolve) => {
  const scroller = document.querySelector('.messages');
  let step = 0;
  let longest = 0;
  let before = performance.now();
  const next = (now) => {
    if (step > 0) longest = Math.max(longest, now - before);
    before = now;
    scroller.scrollTop -= scroller.clientHeight;
    step += 1;
    if (step <= 30) requestAnimationFrame(next); else resolve(longest);
  };
  requestAnimationFrame(next);
})`;

async function filterMany(bench: BrowserFixture): Promise<BenchResult> {
  const popup = await bench.page('popup.html');
  await popup.waitForText('header', 'Connected');
  await popup.waitForElement('[data-model]');
  await popup.fill('input[type=search]', 'model-');
  await popup.waitForText('.tools + [role=status]', '10,000 models found');
  const times: number[] = [];
  for (const query of ['coder', 'model-12', '7', '9999', 'chat model-1']) {
    times.push(
      Number(
        await popup.evaluate(`new Promise((resolve) => {
          const field = document.querySelector('input[type=search]');
          const start = performance.now();
          field.value = ${JSON.stringify(query)};
          field.dispatchEvent(new Event('input', { bubbles: true }));
          requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
        })`),
      ),
    );
    await popup.evaluate(`new Promise((resolve) => {
      const field = document.querySelector('input[type=search]');
      field.value = '';
      field.dispatchEvent(new Event('input', { bubbles: true }));
      requestAnimationFrame(() => setTimeout(resolve));
    })`);
  }
  await popup.close();
  return {
    name: `filtering ${MODELS} models, key press to rendered list, ms`,
    ratio: median(times),
    goal: `at most ${FILTER_GOAL_MS}`,
    ok: median(times) <= FILTER_GOAL_MS,
    detail: `median of ${times.map((time) => time.toFixed(0)).join(', ')} ms for the five queries`,
  };
}

async function streamLong(panel: PageDriver): Promise<BenchResult> {
  await panel.request('LOAD_MODEL', { modelPath: 'remote/many/long' });
  await panel.click('header [aria-label="New chat"]');
  await panel.waitForText('[data-privacy]', 'Sent to');
  await panel.evaluate(`(() => {
    globalThis.tasks = [];
    new PerformanceObserver((list) => globalThis.tasks.push(...list.getEntries().map(({ duration }) => duration)))
      .observe({ type: 'longtask' });
  })()`);
  await panel.fill('.composer textarea', 'Tell me everything.');
  await panel.click('.composer [type=submit]');
  await panel.waitFor(`document.querySelector('.messages').textContent.length > ${ANSWER_CHARACTERS / 2}`);
  await panel.waitForElement('.answer [aria-label="Retry"]');
  const tasks = (await panel.evaluate('globalThis.tasks')) as number[];
  const longest = Math.max(0, ...tasks);
  return {
    name: `streamed answer of ${ANSWER_CHARACTERS / 1000} kB, longest task, ms`,
    ratio: longest,
    goal: `at most ${FRAME_GOAL_MS}`,
    ok: longest <= FRAME_GOAL_MS,
    detail: `tasks over ${FRAME_GOAL_MS} ms: ${tasks.length} (${tasks.map((task) => task.toFixed(0)).join(', ')})`,
  };
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}
