import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { PROMPT, Pty } from '../../support/cli/pty.ts';
import { runCommand } from '../../support/cli/run-command.ts';
import { markovModel, START } from '../../support/gguf/markov-model.ts';
import { string } from '../../support/gguf/write-gguf.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';

const STORY = 'tabagent/markov-gguf/story.gguf';
/** A model that never stops: each word is followed by itself. */
const ENDLESS = 'tabagent/markov-gguf/endless.gguf';
const QUICK = ['--threads', '1', '--gpu-layers', '0', '--temperature', '0'];
const LONG = ['--context', '65536', '--max-tokens', '65000'];
/** The model continues the last message. */
const metadata = { 'tokenizer.chat_template': string("{{ messages[-1]['content'] }}") };
const ANSWER = ' one time there was a small model .';

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const UP = '\u001b[A';
const pasted = (text: string) => `\u001b[200~${text}\u001b[201~`;

interface Stored {
  readonly id: string;
  readonly title: string;
}

describe('a chat at the terminal', () => {
  let fixture: HostFixture;
  let pty: Pty | undefined;
  beforeAll(async () => {
    fixture = await HostFixture.open();
    const folder = join(fixture.home, 'models', 'tabagent', 'markov-gguf');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'story.gguf'), markovModel({ metadata }));
    const chain = { [START]: { on: 1 }, on: { on: 1 } };
    await writeFile(join(folder, 'endless.gguf'), markovModel({ metadata, chain, contextLength: 65536 }));
  });
  afterEach(() => pty?.kill());
  afterAll(() => fixture.close());

  async function open(typed: string[] = [], model = STORY): Promise<Pty> {
    const opened = new Pty(['run', model, ...QUICK, ...typed], { home: fixture.home, env: { NO_COLOR: '1' } });
    pty = opened;
    await opened.waitFor(PROMPT);
    return opened;
  }

  const json = async <T>(...typed: string[]): Promise<T> =>
    JSON.parse((await runCommand([...typed, '--json'], { home: fixture.home })).stdout);
  const messages = async (id: string) =>
    (await json<{ messages: { role: string; content: string; status: string }[] }>('chat', 'show', id)).messages;
  const newest = async () => (await json<{ conversations: Stored[] }>('chat', 'list')).conversations[0] as Stored;

  it('is stored as a conversation, which can be continued', async () => {
    const chat = await open();
    expect(await chat.enter('once upon')).toContain(ANSWER);
    chat.type(CTRL_D);
    expect(await chat.end()).toBe(0);
    const { id, title } = await newest();
    expect(title).toBe('once upon');

    const again = await open(['--chat', 'once upon', '--system', 'Be brief.']);
    expect(await again.enter('once')).toContain(' upon');
    again.type('/BYE\r');
    expect(await again.end()).toBe(0);
    expect(await json('chat', 'show', id)).toMatchObject({ conversation: { system_prompt: 'Be brief.' } });
    const stored = await messages(id);
    expect(stored.map(({ content }) => content)).toEqual(['once upon', ANSWER, 'once', ` upon${ANSWER}`]);
  });

  it('accepts prompts of several lines, quoted or pasted, as one entry of its history', async () => {
    const chat = await open();
    chat.type('"""\r');
    await chat.waitFor('. ');
    chat.type('first\r');
    await chat.waitFor('. ');
    await chat.enter('once upon"""');
    await chat.enter(pasted('second\r\rpaste\rupon'));
    await chat.enter(`${UP}${UP}`);
    await chat.enter(`please: ${pasted('one line')}`);
    const stored = await messages((await newest()).id);
    expect(stored.filter(({ role }) => role === 'user').map(({ content }) => content)).toEqual([
      'first\nonce upon',
      'second\n\npaste\nupon',
      'first\nonce upon',
      'please: one line',
    ]);
  });

  it('finds the prompts of earlier chats, but not of deleted or temporary ones', async () => {
    const first = await open();
    await first.enter('deleted, once upon');
    await first.enter('/clear');
    await first.enter('an earlier question, once upon');
    await first.enter(pasted('a list:\r* once\r* upon'));
    first.type(CTRL_D);
    await first.end();
    await runCommand(['chat', 'rm', 'deleted, once upon'], { home: fixture.home });

    const temporary = await open(['--temporary']);
    expect(temporary.output).toContain('This chat is not stored.');
    expect(await temporary.enter('a secret, once upon')).toContain(ANSWER);
    expect(await temporary.enter('/retry')).toContain(ANSWER);
    expect(await temporary.enter('/save it')).toContain('it is not stored');
    expect(await temporary.enter('/load once')).toMatch(/temporary/);
    temporary.type(CTRL_D);
    await temporary.end();
    expect(await newest()).toMatchObject({ title: 'an earlier question, once upon' });

    const later = await open();
    await later.enter(UP);
    await later.enter(`${UP}${UP}`);
    const stored = await messages((await newest()).id);
    expect(stored.filter(({ role }) => role === 'user').map(({ content }) => content)).toEqual([
      'a list:\n* once\n* upon',
      'an earlier question, once upon',
    ]);
    const conversations = await json<{ conversations: Stored[] }>('chat', 'list');
    expect(JSON.stringify(conversations)).not.toContain('secret');
    later.type(UP.repeat(1_000));
    await later.waitFor('once upon');
    expect(later.output).not.toMatch(/deleted|secret/);
  });

  it('keeps text that is typed during an answer for the next prompt', async () => {
    const chat = await open(LONG, ENDLESS);
    chat.type('on\r');
    await chat.waitFor(' on on');
    chat.type(`${CTRL_C}once`);
    const shown = await chat.waitFor(PROMPT);
    expect(shown).not.toContain('once');
    await chat.waitFor('once');
  });

  it('stops an answer at Ctrl-C, reports that it is incomplete, and continues it', async () => {
    const chat = await open(LONG, ENDLESS);
    chat.type('on\r');
    await chat.waitFor(' on on');
    chat.type(CTRL_C);
    expect(await chat.waitFor(PROMPT)).not.toMatch(/Error|CRASHED/);
    expect((await messages((await newest()).id)).at(-1)).toMatchObject({ status: 'stopped' });
    await chat.enter('/set max-tokens 2');
    expect(await chat.enter('/continue')).toMatch(/^ on on\r\nThe answer reached the length limit\. Type \/continue/);
  });

  it('exits at the second Ctrl-C on an empty line; the first one clears a line', async () => {
    const chat = await open();
    chat.type('half a prompt');
    await chat.waitFor('half a prompt');
    chat.type(CTRL_C);
    await chat.waitFor(PROMPT);
    chat.type(CTRL_C);
    await chat.waitFor('Press Ctrl-C again');
    await chat.waitFor(PROMPT);
    chat.type(CTRL_C);
    expect(await chat.end()).toBe(0);
    expect((await newest())?.title).not.toBe('half a prompt');
  });

  it('exits with 130 at the second Ctrl-C during an answer', async () => {
    const chat = await open(LONG, ENDLESS);
    chat.type('on\r');
    await chat.waitFor(' on on');
    chat.type(CTRL_C + CTRL_C);
    expect(await chat.end()).toBe(130);
    expect(chat.output).not.toMatch(/CRASHED/);
  });

  it('has commands for the system prompt, settings, reasoning, other answers and conversations', async () => {
    const chat = await open();
    expect(await chat.enter('/help')).toMatch(/\/system \[TEXT\] +show or set the system prompt/);
    expect(await chat.enter('/system')).toMatch(/^There is no system prompt/);
    expect(await chat.enter('/set system Be brief.')).toMatch(/^system: Be brief\.\r/);
    expect(await chat.enter('/system')).toMatch(/^Be brief\./);
    expect(await chat.enter('/set max-tokens 2')).toMatch(/^max-tokens: 2/);
    expect(await chat.enter('/set temperature hot')).toMatch(
      /^Invalid value for temperature: "hot"\. Expected a number\./,
    );
    expect(await chat.enter('/set tempreature 1')).toMatch(/Did you mean "temperature"\?/);
    expect(await chat.enter('/set stop "small" "\\n"')).toMatch(/^stop: "small" "\\n"/);
    expect(await chat.enter('/set seed 7')).toMatch(/^seed: 7/);
    await chat.enter('/set max-tokens default');
    expect(await chat.enter('once upon')).toMatch(/ one time there was a \r\n/);
    await chat.enter('/set stop default');
    await chat.enter('/set max-tokens 2');
    await chat.enter('/clear');
    chat.type('/rea');
    await chat.waitFor('/rea');
    chat.type('\t');
    await chat.waitFor('soning ');
    expect(await chat.enter('off')).toMatch(/^Reasoning: off\./);
    expect(await chat.enter('/set')).toMatch(/max-tokens: +2\r\n.*threads: +1\r\n/s);
    expect(await chat.enter('/set max-tokens default')).toMatch(/^max-tokens: default/);
    expect(await chat.enter('/retyr')).toMatch(/^Unknown command: \/retyr\. Did you mean "\/retry"\?/);
    expect(await chat.enter('/retry')).toMatch(/^There is no answer to repeat yet\./);
    await chat.enter('/usr/bin once upon');
    expect(await chat.enter('/retry')).toContain(ANSWER);
    expect(await chat.enter('/save My paths')).toMatch(/^Saved as "My paths"\./);
    const saved = await newest();
    expect(saved.title).toBe('My paths');
    expect(await messages(saved.id)).toHaveLength(2);
    expect((await json<{ conversation: object }>('chat', 'show', saved.id)).conversation).toMatchObject({
      system_prompt: 'Be brief.',
    });
    await chat.enter('/clear');
    await chat.enter('once upon');
    expect(await newest()).not.toMatchObject({ id: saved.id });
    expect(await chat.enter('/load')).toContain(`${saved.id.slice(0, 8)}  `);
    expect(await chat.enter('/load my pa')).toMatch(/^Continuing "My paths"\./);
    await chat.enter('once upon');
    expect(await messages(saved.id)).toHaveLength(4);
    expect(await chat.enter('/set context 256')).toContain('context: 256');
    expect(await chat.enter('once upon')).toContain(ANSWER);
    const contextSizes = async () =>
      (await json<{ hosts: { models: { config: { context_size: number } }[] }[] }>('ps')).hosts.flatMap(({ models }) =>
        models.map(({ config }) => config.context_size),
      );
    expect(await contextSizes()).toEqual([256]);
    expect(await chat.enter('/set context default')).toContain('context: default');
    expect(await contextSizes()).not.toEqual([256]);
  });

  it('stores a conversation that "tabagent chat" lists, finds, shows and deletes', async () => {
    const chat = await open();
    await chat.enter('a boat trip, once upon');
    chat.type(CTRL_D);
    await chat.end();
    const { id } = await newest();
    const run = (...typed: string[]) => runCommand(['chat', ...typed], { home: fixture.home });
    const start = id.slice(0, 8);
    expect((await run()).stdout).toMatch(
      new RegExp(`^ID +CHANGED +TITLE\\n${start}  \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d  a boat trip, once upon\\n`),
    );
    expect((await run('search', 'boat', 'trip')).stdout).toContain(`${start}  `);
    expect((await run('search', 'airship')).stdout).toBe('No conversations found.\n');
    expect((await run('show', start)).stdout).toContain(`\nuser:\na boat trip, once upon\n\nassistant:\n${ANSWER}\n`);
    expect(await run('show', 'airship')).toMatchObject({ code: 3, stderr: expect.stringContaining('no conversation') });
    expect(await run('show')).toMatchObject({ code: 2 });
    expect(await run('rm', start, 'airship')).toMatchObject({ code: 3 });
    expect((await run('rm', 'BOAT TRIP')).stdout).toBe('Deleted "a boat trip, once upon".\n');
    expect(await run('show', id)).toMatchObject({ code: 3 });
  });
});

describe('tabagent set', () => {
  it('saves settings of a model, and shows them', async () => {
    const fixture = await HostFixture.open();
    try {
      const set = (...typed: string[]) => runCommand(['set', STORY, ...typed], { home: fixture.home });
      expect((await set()).stdout).toBe('No settings are saved for this model.\n');
      await set('system', 'Be', 'brief.');
      await set('max_new_tokens', '20');
      await set('context', '4096');
      expect((await set('reasoning', 'off')).stdout).toBe(
        'system:      Be brief.\nmax-tokens:  20\nreasoning:   off\ncontext:     4096\n',
      );
      expect(await set('context', 'much')).toMatchObject({ code: 2, stderr: expect.stringContaining('a number') });
      await set('max-tokens', 'default');
      const { stdout } = await set('context', 'default', '--json');
      expect(JSON.parse(stdout)).toEqual({
        modelId: STORY,
        settings: { system_prompt: 'Be brief.', generation: { reasoning: 'off' } },
      });
    } finally {
      await fixture.close();
    }
  });
});
