import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { runCommand } from '../../support/cli/run-command.ts';
import { bertModel } from '../../support/gguf/bert-model.ts';
import { type MarkovOptions, markovModel, STORY, STORY_GREEDY } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import type { HostProcess } from '../../support/host/host-process.ts';
import { payloadOf } from '../../support/host/payload-of.ts';

const MODEL = 'made/story/story.gguf';
const DRAFT = 'made/draft/draft.gguf';
const WRONG = 'made/wrong/wrong.gguf';
const SETTINGS = { n_gpu_layers: 0, n_ctx: 128, n_threads: 1 };

/** Each word is followed by another one than in the story. */
const WRONG_CHAIN = Object.fromEntries(Object.keys(STORY).map((word) => [word, { upon: 1 }]));

describe('a draft model', () => {
  let fixture: HostFixture;
  let host: HostProcess;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    put(MODEL, { layers: 4 });
    put(DRAFT, { layers: 1 });
    put(WRONG, { layers: 1, chain: WRONG_CHAIN });
    host = fixture.host();
  });
  afterEach(() => fixture.close());

  function put(id: string, options: MarkovOptions) {
    putFile(id, markovModel(options));
  }
  function putFile(id: string, content: Buffer) {
    const path = join(fixture.home, 'models', id);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  const load = (draft: string | null | undefined, more = {}) =>
    host.request('LOAD_MODEL', {
      modelPath: MODEL,
      settings: { ...SETTINGS, ...(draft !== undefined && { draft_model: draft }), ...more },
    });
  const story = async (prompt = '') => {
    const settings = { do_sample: false, max_new_tokens: 16 };
    const { output, usage } = payloadOf('GENERATE', await host.request('GENERATE', { prompt, settings }));
    return { text: output.trim(), predicted: usage?.predictedTokens ?? 0 };
  };

  it('drafts tokens, and the text stays the same', async () => {
    expect(payloadOf('LOAD_MODEL', await load(DRAFT))).toMatchObject({ draftModel: DRAFT });
    const { models } = payloadOf('GET_LOADED_MODELS', await host.request('GET_LOADED_MODELS'));
    expect(models).toMatchObject([{ draftModel: DRAFT }]);
    const first = await story();
    expect(first.text).toBe(STORY_GREEDY);
    expect(first.predicted).toBeGreaterThan(0);
    // The draft model keeps what prompts have in common, and drops the rest.
    expect((await story('once upon one time')).text).toBe('there was a small model .');
    expect((await story('once there')).text).toBe('was a small model .');
  });

  it('may be wrong', async () => {
    await load(WRONG);
    expect(await story()).toEqual({ text: STORY_GREEDY, predicted: 0 });
  });

  it('may have more tokens than the model', async () => {
    const id = 'made/padded/padded.gguf';
    put(id, { layers: 1, chain: { ...STORY, '.': { elephant: 1 }, elephant: { '': 1 } } });
    await load(id);
    expect((await story()).text).toBe(STORY_GREEDY);
    expect((await story('once upon one time there was a')).text).toBe('small model .');
  });

  it('is what the last request for a load names', async () => {
    await load(undefined);
    expect((await story()).predicted).toBe(0);
    expect(payloadOf('LOAD_MODEL', await load(DRAFT))).toMatchObject({ alreadyLoaded: false, draftModel: DRAFT });
    expect(payloadOf('LOAD_MODEL', await load(undefined))).toMatchObject({ alreadyLoaded: true, draftModel: DRAFT });
    const withoutDraft = payloadOf('LOAD_MODEL', await load(null));
    expect(withoutDraft).toMatchObject({ alreadyLoaded: false });
    expect(withoutDraft).not.toHaveProperty('draftModel');
  });

  it('is used while no other generation runs', async () => {
    await load(DRAFT, { n_parallel: 2 });
    const texts = await Promise.all([story(), story('once upon'), story('once there')]);
    expect(texts.map(({ text }) => text)).toEqual([
      STORY_GREEDY,
      'one time there was a small model .',
      'was a small model .',
    ]);
  });

  it('is refused with the reason', async () => {
    put('made/other/words.gguf', { chain: { elephant: { '': 1 }, ...STORY } });
    putFile('made/bert/bert.gguf', bertModel({ words: ['a'] }));
    expect(await load('made/other/words.gguf')).toMatchObject({
      code: 'MODEL_REJECTED',
      message: expect.stringMatching(
        /^words\.gguf cannot be loaded: it cannot draft for this model, because its vocabulary differs/,
      ),
    });
    expect(await load('made/bert/bert.gguf')).toMatchObject({
      code: 'MODEL_NOT_CAPABLE',
      message: expect.stringMatching(/Choose another draft model\.$/),
    });
    expect(await load('made/missing/a.gguf')).toMatchObject({
      code: 'MODEL_NOT_DOWNLOADED',
      message: 'The draft model made/missing/a.gguf is not on this computer. Download it first.',
    });
    expect(await load('../a')).toMatchObject({ code: 'INVALID_REQUEST' });
    const remote = { modelId: 'remote/engine/model', draft_model: DRAFT };
    expect(await host.request('LOAD_MODEL', remote)).toMatchObject({
      code: 'INVALID_REQUEST',
      details: { field: 'draft_model' },
    });
    expect(payloadOf('GET_LOADED_MODELS', await host.request('GET_LOADED_MODELS')).models).toEqual([]);
  });

  it('is chosen on the command line', async () => {
    await host.close();
    const run = (...words: string[]) => runCommand(words, { home: fixture.home });
    const options = ['--temperature', '0', '--context', '128', '--json'];
    const { stdout, code } = await run('run', 'story', ...options, '--draft-model', 'draft', 'once upon one');
    expect({ stdout, code }).toEqual({ stdout: expect.stringContaining('predictedTokens'), code: 0 });
    expect(await run('set', 'story', 'draft-model', 'draft')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(DRAFT),
    });
    const saved = await run('run', 'story', ...options, 'once upon one');
    expect(saved.stdout).toContain('predictedTokens');
    const without = await run('run', 'story', ...options, '--draft-model', 'none', 'once upon one');
    expect(without.code).toBe(0);
    expect(without.stdout).not.toContain('predictedTokens');
    expect(await run('load', 'story', '--draft-model', 'missing')).toMatchObject({ code: 3 });
  });
});
