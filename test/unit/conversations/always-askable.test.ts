import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { withoutEarlierMedia, withoutTools } from '../../../host/actions/chat-turn.ts';
import type { TurnStart } from '../../../host/conversations/answers.ts';
import { Conversations } from '../../../host/conversations/conversations.ts';
import type { MessageDetails, MessageStatus } from '../../../host/conversations/types.ts';
import { ChatPrompts } from '../../../host/engine/runner/generation/chat-prompts.ts';
import type { ChatMessage } from '../../../host/models/generation.ts';
import { turnCount, withoutOldestTurns } from '../../../host/models/turns.ts';
import { seededRandom } from '../../../host/vectors/random.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

/** Templates as strict as those of published models, written for this test. */
const TEMPLATES = {
  'no system messages, strict alternation': `{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{
      raise_exception('System role not supported') }}{% endif %}{% for message in messages %}{%
      if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{
      raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{%
      set role = 'model' if message['role'] == 'assistant' else message['role'] %}{{
      '<start_of_turn>' + role + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}{% endfor %}{%
      if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}`,
  'a system message first, strict alternation, tools': `{{ bos_token }}{% if messages[0].role == 'system' %}{%
      set system = messages[0].content %}{% set rest = messages[1:] %}{% else %}{% set system = '' %}{%
      set rest = messages %}{% endif %}{% set ns = namespace(index=0) %}{% for m in rest %}{%
      if m.role == 'user' or (m.role == 'assistant' and not m.tool_calls) %}{%
      if (m.role == 'user') != (ns.index % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}{%
      set ns.index = ns.index + 1 %}{% endif %}{% endfor %}{% for m in rest %}{% if m.role == 'user' %}[INST] {{
      system if loop.last }} {{ m.content }}[/INST]{% elif m.tool_calls %}[TOOL_CALLS]{% for c in m.tool_calls %}{%
      if not c.id or c.id | length != 9 %}{{ raise_exception('Tool call IDs should be 9 characters long') }}{%
      endif %}{{ c.function.name }}{% endfor %}{% elif m.role == 'assistant' %} {{ m.content }}</s>{%
      elif m.role == 'tool' %}[TOOL_RESULTS]{{ m.content }}[/TOOL_RESULTS]{% else %}{{
      raise_exception('Only user, assistant and tool roles are supported') }}{% endif %}{% endfor %}`,
  'a system message anywhere, reasoning': `{% for m in messages %}<|im_start|>{{ m.role }}\\n{% if m.role == 'assistant'
      and m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}{{ m.content }}{%
      if m.tool_calls %}{{ m.tool_calls | tojson }}{% endif %}<|im_end|>\\n{% endfor %}<|im_start|>assistant\\n`,
  'a question last, calls one at a time': `{% if messages[-1].role not in ['user', 'tool'] %}{{
      raise_exception('the last message must be from the user') }}{% endif %}{% for m in messages %}{%
      if m.tool_calls and m.tool_calls | length != 1 %}{{
      raise_exception('This model only supports single tool-calls at once!') }}{% endif %}{{
      m.role }}: {{ m.content }}{{ '\\n' }}{% endfor %}`,
};

/** Public templates, such as those of Gemma 2 and Mistral. Their texts have licences of their own and are not part of this repository. */
const CORPUS = join(import.meta.dirname, '../../../../shared/cases/templates');
const published = existsSync(CORPUS) ? readdirSync(CORPUS).filter((file) => file.endsWith('.jinja')) : [];

const STATUSES: readonly MessageStatus[] = ['done', 'done', 'stopped', 'length', 'failed'];
const ROLES = ['user', 'assistant', 'system', 'tool', 'narrator'];
const STEPS = 40;
const PUBLISHED_STEPS = 25;

let folder: ReturnType<typeof tempFolder>;
let store: Conversations;
beforeEach(async () => {
  folder = tempFolder('askable');
  store = await Conversations.open(join(folder.path, 'conversations.sqlite'), new RecordedLog());
});
afterEach(() => {
  store.close();
  folder.remove();
});

/** What a model of another engine can answer. */
const PARTS = [
  { type: 'text', text: 'What is this?' },
  { type: 'image_url', image_url: { url: 'data:,' } },
];

const OPTIONS = { title: '', writer: 'host', model: 'm' };

/** Does to the conversation what a user, a model or another program could do. */
function step(random: () => number): void {
  const below = (limit: number) => Math.floor(random() * limit);
  const oneOf = <T>(values: readonly T[]) => values[below(values.length)];
  const items = store.messages('a', { limits: { count: 10_000, bytes: 1e9 } }).items;
  const some = oneOf(items);
  const text = () => oneOf(['', ' ', 'words', 'a long paste '.repeat(50), '</s><|im_end|>', '{{ x }}']) ?? '';
  const call = (): MessageDetails => ({
    tool_calls: Array.from({ length: 1 + below(2) }, () => ({
      id: oneOf(['abcdefghi', 'jklmnopqr', 'short']) ?? '',
      type: 'function',
      function: { name: 'f', arguments: '{}' },
    })),
  });
  const ask = (parent?: string | null): TurnStart => {
    const isResult = below(5) === 0;
    const result = { tool_call_id: oneOf(['abcdefghi', 'jklmnopqr', 'other']) ?? '' };
    const details = isResult ? result : (oneOf([null, null, null, { parts: PARTS }]) ?? null);
    return { type: 'ask', role: isResult ? 'tool' : 'user', content: text() || 'a question', details, parent };
  };
  const starts: readonly (TurnStart | undefined)[] = [
    ask(),
    ask(),
    ask(some === undefined ? null : oneOf([some.id, some.parent_id])),
    some === undefined ? undefined : { type: 'regenerate', message: some.id },
    { type: 'continue' },
  ];
  try {
    switch (below(7)) {
      case 0:
        store.addMessages('a', [
          { role: oneOf(ROLES) ?? '', content: text(), details: below(3) === 0 ? call() : null },
        ]);
        break;
      case 1:
        if (some !== undefined) store.update('a', { selected_message: some.siblings?.[0] ?? some.id });
        break;
      case 2:
        if (some !== undefined && below(3) === 0) {
          const row = { ...some, parent_id: undefined, content: '', deleted: true, updated_at: some.updated_at + 1 };
          store.push({ conversations: [], messages: [row] });
        }
        break;
      default: {
        const start = oneOf(starts);
        if (start === undefined) return;
        const { answerId } = store.startTurn('a', start, { ...OPTIONS, maxCharacters: oneOf([100, 1e6]) ?? 0 });
        // Some answers never end, like those of a killed host.
        if (below(8) === 0) return;
        const reasoning_content = oneOf([undefined, 'hm']);
        const details = {
          ...(below(5) === 0 ? call() : {}),
          ...(reasoning_content === undefined ? {} : { reasoning_content }),
        };
        store.finishAnswer(answerId, 'host', { content: text(), details, status: oneOf(STATUSES) ?? 'done' });
      }
    }
  } catch (error) {
    // The message cannot be regenerated or continued, and nothing was stored.
    expect(error).toMatchObject({ code: 'INVALID_REQUEST' });
  }
}

/** Renders the prompt as a generation does. */
function write(prompts: ChatPrompts, messages: readonly ChatMessage[]): string {
  try {
    return prompts.write(messages).text;
  } catch (error) {
    const plain = withoutTools(messages);
    if (plain === undefined) throw error;
    return prompts.write(plain).text;
  }
}

function promptsOf(template: string): ChatPrompts {
  return new ChatPrompts({ template, bosToken: '<s>', eosToken: '</s>', special: new Set() });
}

/**
 * Performs random changes of a conversation. After each one, renders a question with each template, with and without a
 * system prompt, and with fewer and fewer earlier turns.
 */
function askAfterEachStep(seed: number, steps: number, prompts: readonly ChatPrompts[]): void {
  const random = seededRandom(seed);
  store.create({ id: 'a' });
  for (let i = 0; i < steps; i += 1) {
    step(random);
    const { messages, answerId } = store.startTurn(
      'a',
      { type: 'ask', role: 'user', content: `question ${i}`, details: null, parent: undefined },
      { ...OPTIONS, maxCharacters: 1e6 },
    );
    const local = withoutEarlierMedia(messages);
    expect(JSON.stringify(local)).not.toContain('image_url');
    for (const made of prompts) {
      for (const system of [[], [{ role: 'system', content: 'Be brief.' }]]) {
        for (const turns of new Set([0, Math.floor(turnCount(local) / 2), turnCount(local) - 1])) {
          const { messages: kept } = withoutOldestTurns([...system, ...local], turns);
          expect(write(made, kept)).toContain(`question ${i}`);
        }
      }
    }
    store.finishAnswer(answerId, 'host', { content: i % 3 === 0 ? '' : 'answer', details: null, status: 'done' });
  }
}

describe('every conversation can be continued', () => {
  const prompts = Object.entries(TEMPLATES).map(([name, template]) => [name, promptsOf(template)] as const);

  it.each(prompts)("with the model's own template with %s", (_, made) => {
    expect(made.format).toMatchObject({ used: 'template', error: null });
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('after any events, with any template: seed %i', (seed) => {
    askAfterEachStep(
      seed,
      STEPS,
      prompts.map(([, made]) => made),
    );
  });

  (published.length === 0 ? it.skip : it).each(published.length === 0 ? ['(no corpus)'] : published)(
    'after anything that can happen, with the published template %s',
    (file) => {
      askAfterEachStep(file.length, PUBLISHED_STEPS, [promptsOf(readFileSync(join(CORPUS, file), 'utf8'))]);
    },
  );
});
