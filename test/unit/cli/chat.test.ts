import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { answer } from '../../../host/cli/chat/answer.ts';
import { chatCommandIn, completionsOf } from '../../../host/cli/chat/chat-commands.ts';
import { Keyboard, type KeyInput } from '../../../host/cli/chat/keyboard.ts';
import { LongTexts } from '../../../host/cli/chat/long-texts.ts';
import { TemporaryThread } from '../../../host/cli/chat/thread.ts';
import type { Client } from '../../../host/cli/client.ts';
import type { CommandContext } from '../../../host/cli/context.ts';
import { chatSettingNamed, settingNamed, settingValue } from '../../../host/cli/setting-names.ts';

const UPDATES = [
  { token: '', reasoning: 'Blue ' },
  { token: '', reasoning: 'light.' },
  { token: 'Be' },
  { token: 'cause' },
];
const EVENTS = UPDATES.map((payload) => ({ type: 'generationUpdate', payload }));

/** Prompts a model that reasons before it answers, and returns its output on stdout. */
async function ask(options: {
  styled: boolean;
  json?: boolean;
  finishReason?: string;
  events?: readonly object[];
}): Promise<string> {
  const { styled, json = false, finishReason = 'stop', events = EVENTS } = options;
  let written = '';
  const output = { write: (text: string) => (written += text) };
  const context = {
    input: { flag: (name: string) => name === 'json' && json },
    terminal: { stdout: output, stderr: output, styled: { stdout: styled, stderr: styled } },
    interrupts: { onCtrlC: () => () => {} },
    client: {
      request: async (_action: string, _fields: object, options: { onEvent: (event: object) => void }) => {
        for (const event of events) options.onEvent(event);
        return { payload: { output: 'Because', finishReason } };
      },
    },
  } as unknown as CommandContext;
  await answer(context, {}, 'Raise it.');
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
      'Because\nThe answer reached the length limit. Raise it.\n',
    );
  });

  it('is written with every event as JSON', async () => {
    const lines = (await ask({ styled: true, json: true }))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toEqual([...EVENTS, { output: 'Because', finishReason: 'stop' }]);
  });

  it('is written with tool calls and rendered Markdown on a terminal, and unchanged to a file', async () => {
    const events = [
      { type: 'generationUpdate', payload: { token: '', reasoning: 'Look.' } },
      { type: 'generationUpdate', payload: { token: 'I **loo' } },
      { type: 'generationUpdate', payload: { token: 'k**.\n' } },
      { type: 'generationToolCall', payload: { name: 'find', arguments: '{"x":"\u001b[2J"}' } },
    ];
    expect(await ask({ styled: true, events })).toBe(
      '\u001b[2mLook.\u001b[22m\n\nI \u001b[1mlook\u001b[22m.\n\u001b[2mTool call: find({"x":"[2J"})\u001b[22m\n\n',
    );
    expect(await ask({ styled: false, events })).toBe('I **look**.\n\n');
  });
});

describe('a chat command', () => {
  it.each([
    ['/help', { name: 'help', rest: '' }],
    ['/system Be brief.\nAnd kind. ', { name: 'system', rest: 'Be brief.\nAnd kind.' }],
    ['/usr/bin is a folder', undefined],
    ['/ alone', undefined],
    ['/HELP me', { name: 'help', rest: 'me' }],
    [' /help', undefined],
    ['what does /help do?', undefined],
  ])('%j is read as %j', (typed, command) => {
    expect(chatCommandIn(typed)).toEqual(command);
  });
});

describe('the keyboard of a chat', () => {
  function keyboard() {
    const stdin = new PassThrough();
    const texts = new LongTexts();
    let interrupts = 0;
    const keys = new Keyboard(stdin as unknown as KeyInput, {
      onPaste: (text) => texts.shown(text),
      onCtrlC: () => {
        interrupts += 1;
      },
    });
    let typed = '';
    keys.on('data', (text: string) => {
      typed += text;
    });
    const type = async (text: string) => {
      stdin.write(text);
      await new Promise((resolve) => setImmediate(resolve));
      return texts.expand(typed);
    };
    return { keys, type, interrupts: () => interrupts };
  }

  it.each([
    ['whole', ['a\u001b[200~x\ry\r\nz\n\u001b[201~b']],
    ['in single characters', ['a', '\u001b[', ...'200~x\ry\nz', '\u001b[', ...'201~b']],
  ])('delivers pasted text of several lines at once, %s', async (_how, pieces) => {
    const { type } = keyboard();
    let typed = '';
    for (const piece of pieces) typed = await type(piece);
    expect(typed).toBe('ax\ny\nzb');
  });

  it('delivers other keys unchanged', async () => {
    const { type } = keyboard();
    expect(await type('é\u001b[A\u001b')).toBe('é\u001b[A\u001b');
  });

  it('reports only Ctrl-C while keys are buffered, and discards keys typed before it', async () => {
    const { keys, type, interrupts } = keyboard();
    keys.hold();
    expect(await type('half\u0003next')).toBe('');
    expect(interrupts()).toBe(1);
    keys.release();
    expect(await type('!')).toBe('next!');
  });
});

describe('Tab in a chat', () => {
  it.each([
    ['/re', ['/reasoning ', '/retry ']],
    ['/set dry-mu', ['/set dry-multiplier ']],
    ['/reasoning l', ['/reasoning low ']],
    ['/load a', []],
    ['/usr/bin', []],
    ['words', []],
    ['', []],
  ])('makes %j one of %j', (line, completions) => {
    expect(completionsOf(line)).toEqual(completions);
  });
});

/** Only the names of models are looked up. */
const NO_CLIENT = {} as Client;

describe('a value of a setting in a chat', () => {
  it.each([
    ['seed', '5', 5],
    ['stop', 'the end', 'the end'],
    ['stop', '5', '5'],
    ['stop', '"\\n\\n" "User:"', ['\n\n', 'User:']],
    ['stop', '"\\n"', '\n'],
    ['stop', 'say "no"', 'say "no"'],
    ['dry-sequence-breakers', '"*"', ['*']],
    ['stop', 'default', undefined],
    ['system', '"quoted"', '"quoted"'],
  ])('%s %s is %j', async (name, typed, value) => {
    expect(await settingValue(chatSettingNamed(name), [typed], NO_CLIENT)).toEqual(value);
  });

  it('that is not saved is unknown for models', async () => {
    expect(() => settingNamed('seed')).toThrow('Unknown setting: seed.');
    await expect(settingValue(chatSettingNamed('seed'), ['-1'], NO_CLIENT)).rejects.toThrow(/Invalid value for seed/);
  });
});

describe('a temporary conversation', () => {
  const user = (content: string) => ({ role: 'user', content });
  const assistant = (content: string) => ({ role: 'assistant', content });

  it('has its messages in its requests, which store nothing', async () => {
    const thread = new TemporaryThread();
    await expect(thread.retry()).rejects.toThrow('no answer to repeat');
    await expect(thread.continue()).rejects.toThrow('no answer to continue');
    expect(await thread.ask('a')).toMatchObject({ store: false, messages: [user('a')], context_overflow: 'trim' });
    thread.answered({ output: 'b', reasoning: 'r' });
    expect(await thread.continue()).toMatchObject({
      continue: true,
      messages: [user('a'), { ...assistant('b'), reasoning_content: 'r' }],
    });
    thread.answered({ output: 'c' });
    await thread.setSystem('s');
    expect(await thread.ask('d')).toMatchObject({
      messages: [
        { role: 'system', content: 's' },
        user('a'),
        { ...assistant('bc'), reasoning_content: 'r' },
        user('d'),
      ],
    });
    // Nothing was generated: the question can be repeated, or another one asked.
    thread.answered({ output: '' });
    expect((await thread.retry()).messages).toHaveLength(4);
    expect((await thread.ask('e')).messages).toMatchObject([{}, {}, {}, user('e')]);
    await expect(thread.rename()).rejects.toThrow('temporary');
  });
});

describe('long texts', () => {
  it('are shown as a label, unlike labels that were typed', () => {
    const texts = new LongTexts();
    const label = texts.shown('a\nb');
    expect(label).toBe('[Text 1: "a …", 2 lines]');
    const typed = '[Text 2: "a …", 2 lines]';
    expect(texts.expand(`see ${label} and ${typed}`)).toBe(`see a\nb and ${typed}`);
    expect(texts.shown('x'.repeat(1_000))).toHaveLength(1_000);
    expect(texts.shown('x'.repeat(1_001))).toBe(`[Text 2: "${'x'.repeat(24)} …", 1001 characters]`);
    const odd = texts.shown('\n\n [a]\t\u001b[31m]b and so on and on\nc');
    expect(odd).toBe('[Text 3: "a 31m b and so on an …", 4 lines]');
    expect(texts.expand(odd)).toBe('\n\n [a]\t\u001b[31m]b and so on and on\nc');
  });
});
