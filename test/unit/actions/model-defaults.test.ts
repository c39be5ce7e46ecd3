import { describe, expect, it } from '@jest/globals';
import { settingsOver, withLoadDefaults, withModelDefaults } from '../../../host/actions/model-defaults.ts';

const QUESTION = { role: 'user', content: 'Why?' };

describe('settings with defaults', () => {
  it('are those of the request, and otherwise the defaults', () => {
    const defaults = { temperature: 0.2, top_k: 5, max_new_tokens: 10 };
    expect(settingsOver(defaults, { top_k: 0, seed: 1 })).toEqual({
      temperature: 0.2,
      top_k: 0,
      max_new_tokens: 10,
      seed: 1,
    });
    expect(settingsOver(defaults)).toEqual(defaults);
  });

  it.each([{ max_tokens: 3 }, { max_completion_tokens: 3 }, { max_new_tokens: 3 }])(
    'have only the limit of the request if it has %j',
    (settings) => {
      expect(settingsOver({ max_new_tokens: 10 }, settings)).toEqual(settings);
    },
  );

  it.each([{ reasoning: 'high' as const }, { max_reasoning_tokens: 3 }])(
    'have nothing of the reasoning of the defaults if the request has %j',
    (settings) => {
      expect(settingsOver({ reasoning: 'off', max_reasoning_tokens: 10 }, settings)).toEqual(settings);
    },
  );
});

describe('the defaults of a model', () => {
  const saved = { system_prompt: 'Be brief.', generation: { temperature: 0, reasoning: 'off' as const } };

  it('add a system message to messages without one', () => {
    expect(withModelDefaults({ messages: [QUESTION] }, saved)).toEqual({
      messages: [{ role: 'system', content: 'Be brief.' }, QUESTION],
      settings: { temperature: 0, reasoning: 'off' },
    });
  });

  it.each(['system', 'developer'])('add no system message beside one of the role %s', (role) => {
    const messages = [QUESTION, { role, content: 'Rhyme.' }];
    expect(withModelDefaults({ messages }, saved).messages).toEqual(messages);
  });

  it('add no system message if it is empty', () => {
    expect(withModelDefaults({ messages: [QUESTION] }, { system_prompt: '' }).messages).toEqual([QUESTION]);
  });

  it('include only sampling settings for a plain prompt', () => {
    expect(withModelDefaults({ prompt: 'Once' }, saved)).toEqual({ prompt: 'Once', settings: { temperature: 0 } });
  });

  it('are used by a load unless the request has the setting, under either name', () => {
    const load = { n_ctx: 4096, n_gpu_layers: 3, n_parallel: 1, n_threads: 2 };
    expect(withLoadDefaults({ modelId: 'm', n_ctx: 512, n_parallel: 2, settings: { n_threads: 1 } }, { load })).toEqual(
      {
        modelId: 'm',
        n_ctx: 512,
        n_parallel: 2,
        settings: { n_ctx: 512, n_gpu_layers: 3, n_parallel: 2, n_threads: 1 },
      },
    );
    expect(withLoadDefaults({ settings: { n_ctx: 512 } }, { load }).settings).toMatchObject({ n_ctx: 512 });
  });
});
