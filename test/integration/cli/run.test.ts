import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { collectOutput, runCommand, startCommand } from '../../support/cli/run-command.ts';
import { markovModel, START } from '../../support/gguf/markov-model.ts';
import { string } from '../../support/gguf/write-gguf.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import { HOST_MAIN } from '../../support/host/host-process.ts';

const MODEL = 'tabagent/markov-gguf/markov-f16.gguf';
/** A model that never stops: each word is followed by itself. */
const ENDLESS = 'tabagent/markov-gguf/endless.gguf';
/** One thread: on a busy computer with two cores, several threads wait for each other. */
const QUICK = ['--threads', '1', '--gpu-layers', '0'];
/** Longer than any test. */
const LONG = ['--context', '65536', '--max-tokens', '65000'];
/** The model continues the last message. */
const metadata = { 'tokenizer.chat_template': string("{{ messages[-1]['content'] }}") };

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';

describe('tabagent run', () => {
  let fixture: HostFixture;
  const started: ChildProcess[] = [];
  beforeAll(async () => {
    fixture = await HostFixture.open();
    const folder = join(fixture.home, 'models', 'tabagent', 'markov-gguf');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'markov-f16.gguf'), markovModel({ metadata }));
    const chain = { [START]: { on: 1 }, on: { on: 1 } };
    await writeFile(join(folder, 'endless.gguf'), markovModel({ metadata, chain, contextLength: 65536 }));
  });
  afterAll(async () => {
    for (const child of started) child.kill('SIGKILL');
    await fixture.close();
  });

  const run = (typed: string[], input = '') =>
    runCommand(['run', ...typed, '--temperature', '0', ...QUICK], { home: fixture.home, input });

  it('prints one answer for a prompt argument', async () => {
    expect(await run([MODEL, 'once', 'upon'])).toMatchObject({
      code: 0,
      stdout: ' one time there was a small model .\n',
    });
  });

  it('reads the prompt from a pipe, and prints events and the reply as JSON Lines', async () => {
    const { code, stdout } = await run(['markov-f16', '--json'], 'once');
    expect(code).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const tokens = lines.filter(({ type }) => type === 'generationUpdate').map(({ payload }) => payload.token);
    expect(tokens.join('')).toBe(lines.at(-1).output);
    expect(lines.at(-1)).toMatchObject({ modelId: MODEL, finishReason: expect.stringMatching(/^(stop|length)$/) });
  });

  it('puts a prompt argument before the piped text', async () => {
    const tokens = async (typed: string[], input: string) => {
      const { stdout } = await run([...typed, '--max-tokens', '1', '--json'], input);
      return Number(/"promptTokens":(\d+)/.exec(stdout)?.[1]);
    };
    expect(await tokens([MODEL, 'once'], 'upon '.repeat(50))).toBeGreaterThan(await tokens([MODEL, 'once'], ''));
  });

  it('requires a prompt', async () => {
    expect(await run([MODEL], '')).toMatchObject({ code: 2, stderr: expect.stringContaining('Missing prompt') });
  });

  it('keeps the model loaded when Ctrl-C also reaches its process', async () => {
    const child = spawn(
      'script',
      ['-qec', [process.execPath, HOST_MAIN, 'run', ENDLESS, 'on', ...LONG, ...QUICK].join(' '), '/dev/null'],
      {
        env: { PATH: process.env.PATH, HOME: fixture.home, TABAGENT_HOME: fixture.home, TERM: 'xterm', NO_COLOR: '1' },
      },
    );
    started.push(child);
    let isSent = false;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (isSent || !text.includes(' on on')) return;
      isSent = true;
      // The terminal signals the whole process group, which includes the model's process.
      child.stdin.write(CTRL_C);
    });
    const { code, stdout } = await collectOutput(child);
    expect({ code, failed: /ENGINE_CRASHED|Error/.test(stdout) }).toEqual({ code: 130, failed: false });
  });

  it('stops the answer at Ctrl-C and keeps the text generated so far', async () => {
    const child = startCommand(['run', ENDLESS, 'on', ...LONG, ...QUICK], { home: fixture.home });
    started.push(child);
    child.stdin.end();
    const end = collectOutput(child);
    child.stdout.once('data', () => child.kill('SIGINT'));
    const ran = await end;
    expect(ran).toMatchObject({ code: 130, signal: null });
    expect(ran.stdout).toMatch(/^( on)+\n$/);
  });

  it('prints no error when its reader exits', async () => {
    const child = startCommand(['run', ENDLESS, 'on', ...LONG, ...QUICK], { home: fixture.home });
    started.push(child);
    child.stdin.end();
    child.stdout.once('data', () => child.stdout.destroy());
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (chunk) => {
      stderr += chunk;
    });
    const code = await new Promise((resolve) => child.on('exit', resolve));
    expect(code).toBe(0);
    expect(stderr).not.toMatch(/EPIPE|Error/);
  });

  it('is a chat on a terminal, where Ctrl-C stops an answer and Ctrl-D exits', async () => {
    const words = [process.execPath, HOST_MAIN, 'run', ENDLESS, ...LONG, ...QUICK];
    const child = spawn('script', ['-qec', words.map((word) => `'${word}'`).join(' '), '/dev/null'], {
      env: { PATH: process.env.PATH, HOME: fixture.home, TABAGENT_HOME: fixture.home, TERM: 'xterm', NO_COLOR: '1' },
    });
    started.push(child);
    let shown = '';
    let step = 0;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      shown += text;
      if (step === 0 && shown.includes('> ')) {
        step = 1;
        shown = '';
        child.stdin.write('on\r');
      } else if (step === 1 && shown.includes(' on on')) {
        step = 2;
        shown = '';
        child.stdin.write(CTRL_C);
      } else if (step === 2 && shown.includes('> ')) {
        step = 3;
        child.stdin.write(CTRL_D);
      }
    });
    const { code } = await collectOutput(child);
    expect({ step, code }).toEqual({ step: 3, code: 0 });
  });

  it('suggests the model with a similar name', async () => {
    expect(await run(['markov-f61', 'x'])).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining('Did you mean "markov-f16"?'),
    });
  });
});
