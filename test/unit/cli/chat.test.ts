import { describe, expect, it } from '@jest/globals';
import { Chat } from '../../../host/cli/chat.ts';
import type { CommandContext } from '../../../host/cli/context.ts';

const UPDATES = [
  { token: '', reasoning: 'Blue ' },
  { token: '', reasoning: 'light.' },
  { token: 'Be' },
  { token: 'cause' },
];

/** Asks a model that thinks before it answers, and returns what was written to stdout. */
async function ask(options: { styled: boolean; json?: boolean; finishReason?: string }): Promise<string> {
  const { styled, json = false, finishReason = 'stop' } = options;
  let written = '';
  const output = { write: (text: string) => (written += text) };
  const context = {
    input: { flag: (name: string) => name === 'json' && json },
    terminal: { stdout: output, stderr: output, styled: { stdout: styled, stderr: styled } },
    interrupts: { onCtrlC: () => () => {} },
    client: {
      request: async (_action: string, _fields: object, options: { onEvent: (event: object) => void }) => {
        for (const payload of UPDATES) options.onEvent({ type: 'generationUpdate', payload });
        return { payload: { output: 'Because', finishReason } };
      },
    },
  } as unknown as CommandContext;
  await new Chat(context, { modelId: 'm', settings: {} }).ask('Why?');
  return written;
}

describe('an answer with reasoning', () => {
  it('is written with dimmed reasoning on a terminal', async () => {
    expect(await ask({ styled: true })).toBe('\u001b[2mBlue \u001b[22m\u001b[2mlight.\u001b[22m\n\nBecause\n');
  });

  it('is written without reasoning to a file or pipe', async () => {
    expect(await ask({ styled: false })).toBe('Because\n');
  });

  it('is followed by a note if it was cut off', async () => {
    expect(await ask({ styled: false, finishReason: 'length' })).toBe(
      'Because\nThe answer reached the length limit. Raise the limit with --max-tokens or --context.\n',
    );
  });

  it('is written with every event as JSON', async () => {
    const lines = (await ask({ styled: true, json: true }))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toEqual([
      ...UPDATES.map((payload) => ({ type: 'generationUpdate', payload })),
      { output: 'Because', finishReason: 'stop' },
    ]);
  });
});
