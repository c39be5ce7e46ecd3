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
async function ask({ styled, json = false }: { styled: boolean; json?: boolean }): Promise<string> {
  let written = '';
  const context = {
    input: { flag: (name: string) => name === 'json' && json },
    terminal: { stdout: { write: (text: string) => (written += text) }, styled: { stdout: styled, stderr: styled } },
    interrupts: { onCtrlC: () => () => {} },
    client: {
      request: async (_action: string, _fields: object, options: { onEvent: (event: object) => void }) => {
        for (const payload of UPDATES) options.onEvent({ type: 'generationUpdate', payload });
        return { payload: { output: 'Because' } };
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

  it('is written with every event as JSON', async () => {
    const lines = (await ask({ styled: true, json: true }))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toEqual([
      ...UPDATES.map((payload) => ({ type: 'generationUpdate', payload })),
      { output: 'Because' },
    ]);
  });
});
