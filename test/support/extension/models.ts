import { ENDLESS } from '../gguf/chains.ts';
import { type Chain, markovModel, START } from '../gguf/markov-model.ts';
import { string } from '../gguf/write-gguf.ts';

/** The repository of the models that the extension's tests download. */
export const REPO = 'tabagent/markov-gguf';

/** A template that ignores messages, so that the answer is the chain from its start. */
const FROM_THE_START = { 'tokenizer.chat_template': string('{{ bos_token }}') };

/** A template that includes every message, so that a long conversation fills the context. */
const ALL_MESSAGES = { 'tokenizer.chat_template': string('{% for m in messages %}{{ m.content }} {% endfor %}') };

/** HTML that a page must show as text. */
export const ATTACK = [
  "<img/src=x/onerror=document.title='owned'>",
  "<script>document.title='owned'</script>",
] as const;

/** A template that opens a reasoning block, which is empty if reasoning is off. */
const REASONING = {
  'tokenizer.chat_template': string(
    '{{ bos_token }}<think>{% if enable_thinking is defined and not enable_thinking %}</think>{% endif %}',
  ),
};

const THINKING_CHAIN: Chain = {
  '<think>': { hmm: 1 },
  hmm: { so: 1 },
  so: { '</think>': 1 },
  '</think>': { hello: 1 },
  hello: { '': 1 },
};

const HOSTILE_CHAIN: Chain = {
  [START]: { [ATTACK[0]]: 1 },
  [ATTACK[0]]: { [ATTACK[1]]: 1 },
  [ATTACK[1]]: { '[here](javascript:alert(1))': 1 },
  '[here](javascript:alert(1))': { '': 1 },
};

/** Models by file name. */
export const MODELS = {
  /** Answers "tick tock" endlessly. */
  'ticking.gguf': markovModel({ chain: ENDLESS, contextLength: 32_768, metadata: FROM_THE_START }),
  /** Answers with a short story. */
  'story.gguf': markovModel({ metadata: FROM_THE_START }),
  /** Reasons before it says hello, unless reasoning is off. */
  'thinking.gguf': markovModel({
    chain: THINKING_CHAIN,
    special: { '<think>': 'user-defined', '</think>': 'user-defined' },
    metadata: REASONING,
  }),
  /** Answers with HTML. */
  'hostile.gguf': markovModel({ chain: HOSTILE_CHAIN, metadata: FROM_THE_START }),
  /** Receives the whole conversation, in a short context. */
  'small-context.gguf': markovModel({ contextLength: 512, metadata: ALL_MESSAGES }),
  // A model of more than one chunk. The format allows bytes after the tensors.
  'large.gguf': Buffer.concat([markovModel(), Buffer.alloc(12_000_000, 7)]),
};

/** Returns the ID of a model in {@link MODELS}. */
export const modelId = (file: keyof typeof MODELS): string => `${REPO}/${file}`;

/** Returns the selector of a model's row, optionally only in a stage. */
export const rowOf = (id: string, stage?: string): string =>
  `[data-model="${id}"]${stage === undefined ? '' : `[data-stage="${stage}"]`}`;
