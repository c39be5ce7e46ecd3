import { spawn } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { collectOutput } from '../../support/cli/run-command.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import { HOST_MAIN } from '../../support/host/host-process.ts';
import { startHub } from '../../support/hub/hub.ts';

const REPO = 'tabagent/markov-gguf';

/** The escape character, which starts control sequences of a terminal. */
const ESC = '\u001b';

describe('a command on a terminal', () => {
  let fixture: HostFixture;
  let endpoint: string;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    endpoint = fixture.use(await startHub({ repos: { [REPO]: { files: { 'markov.gguf': markovModel() } } } })).url;
  });
  afterEach(() => fixture.close());

  /** Runs `tabagent` on a pseudoterminal and returns the output. */
  async function shown(typed: string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
    const words = [process.execPath, HOST_MAIN, ...typed].map((word) => `'${word}'`);
    const home = { HOME: fixture.home, TABAGENT_HOME: fixture.home };
    const child = spawn('script', ['-qec', words.join(' '), '/dev/null'], {
      env: { PATH: process.env.PATH, TERM: 'xterm', HF_ENDPOINT: endpoint, ...home, ...env },
    });
    child.stdin.end();
    return (await collectOutput(child)).stdout;
  }

  it('redraws a progress bar, and finally shows only the result', async () => {
    const text = await shown(['pull', `${REPO}/markov.gguf`]);
    expect(text).toMatch(/\[#*-*\] markov\.gguf \d/);
    const lines = text.trimEnd().split('\n');
    expect(lines).toHaveLength(1);
    expect(text.split(`${ESC}[K`).at(-1)).toMatch(/^Model downloaded successfully: /);
  });

  it('shows errors in red, unless NO_COLOR is set or the terminal has no colors', async () => {
    const failing = ['pull', `${REPO}/none.gguf`];
    expect(await shown(failing)).toContain(`${ESC}[31mError:${ESC}[39m `);
    expect(await shown(failing, { NO_COLOR: '1' })).not.toContain(`${ESC}[3`);
    const dumb = await shown(failing, { TERM: 'dumb' });
    expect(dumb).toContain('Error: ');
    expect(dumb).not.toContain(ESC);
  });
});
