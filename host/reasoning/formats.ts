/** Reasoning between two markers, before the answer. */
export interface TagFormat {
  readonly open: string;
  readonly close: string;
  /** Text directly after `open` that is part of the markup. */
  readonly label?: string;
}

/** Markers around the answer, which are part of neither answer nor reasoning. */
export interface AnswerWrapper {
  readonly open: string;
  readonly close: string;
}

/** The kind of a message in a channel format. */
export type ChannelKind = 'reasoning' | 'answer';

/** Reasoning and answer as messages of one turn, each with a header that names its kind. */
export interface ChannelFormat {
  /** Begins a message; its role follows. */
  readonly start: string;
  /** Starts the channel's name in a header; absent if the marker of the body determines the kind. */
  readonly channel?: string;
  /** Markers between the parts of a header. */
  readonly separators: readonly string[];
  /** Markers that start a body, with its kind. A channel's kind takes precedence. */
  readonly bodies: ReadonlyMap<string, ChannelKind>;
  /** Channels that contain reasoning. All others contain the answer. */
  readonly reasoningChannels: ReadonlySet<string>;
  readonly ends: readonly string[];
  /** Text that ends reasoning and starts the answer. */
  readonly toAnswer: string;
  /** Text after the role of the model's turn that starts reasoning. */
  readonly onlyReasoning: string;
  /** Text after the role of the model's turn that starts the answer without reasoning. */
  readonly onlyAnswer: string;
}

/** The markup of one model. */
export interface ReasoningMarkup {
  readonly channels?: ChannelFormat;
  readonly tags: readonly TagFormat[];
  readonly wrappers: readonly AnswerWrapper[];
}

/** Formats with special markers. Tags such as `<think>` and `<seed:think>` are recognized by {@link XML_TAG}. */
const TAG_FORMATS: readonly TagFormat[] = [
  { open: '[THINK]', close: '[/THINK]' },
  { open: '<|START_THINKING|>', close: '<|END_THINKING|>' },
  { open: '<|inner_prefix|>', close: '<|inner_suffix|>' },
  { open: '<|channel>', close: '<channel|>', label: 'thought\n' },
  { open: '<|begin_of_thought|>', close: '<|end_of_thought|>' },
  { open: '◁think▷', close: '◁/think▷' },
  { open: 'Here are my reasoning steps:', close: '[BEGIN FINAL RESPONSE]' },
  { open: 'Here is my thought process:', close: 'Here is my response:' },
];

/** A tag whose name says that it holds reasoning, possibly with a prefix or suffix after a colon. */
const XML_TAG = /<\/?((?:[\w-]+:)?(?:think|thinking|thought|reasoning)(?::[\w-]+)?)>/g;

const ANSWER_WRAPPERS: readonly AnswerWrapper[] = [
  { open: '<response>', close: '</response>' },
  { open: '<answer>', close: '</answer>' },
  { open: '<|START_RESPONSE|>', close: '<|END_RESPONSE|>' },
  { open: '<|START_TEXT|>', close: '<|END_TEXT|>' },
  { open: '<|begin_of_solution|>', close: '<|end_of_solution|>' },
  { open: '[BEGIN FINAL RESPONSE]', close: '[END FINAL RESPONSE]' },
];

const CHANNEL_FORMATS: readonly ChannelFormat[] = [
  {
    start: '<|start|>',
    channel: '<|channel|>',
    separators: ['<|constrain|>'],
    bodies: new Map([['<|message|>', 'answer']]),
    reasoningChannels: new Set(['analysis']),
    ends: ['<|end|>', '<|return|>', '<|call|>'],
    toAnswer: '<|end|><|start|>assistant<|channel|>final<|message|>',
    onlyReasoning: '<|channel|>analysis<|message|>',
    onlyAnswer: '<|channel|>final<|message|>',
  },
  {
    start: '<|begin|>',
    separators: [],
    bodies: new Map([
      ['<|think|>', 'reasoning'],
      ['<|content|>', 'answer'],
    ]),
    reasoningChannels: new Set(),
    ends: ['<|end|>', '<|flush|>'],
    toAnswer: '<|end|><|begin|>assistant<|content|>',
    onlyReasoning: '<|think|>',
    onlyAnswer: '<|content|>',
  },
];

/** The evidence from which the reasoning markup of a model is detected. */
export interface MarkupEvidence {
  /** The source of the chat template and a prompt rendered with it; empty without a template. */
  readonly template: string;
  /** Texts of the tokens of the vocabulary that are not ordinary text. */
  readonly special: ReadonlySet<string>;
}

/** Returns the reasoning markup of a model; undefined for one that has none. */
export function detectMarkup({ template, special }: MarkupEvidence): ReasoningMarkup | undefined {
  const has = (marker: string) => special.has(marker) || template.includes(marker);
  const wrappers = ANSWER_WRAPPERS.filter(({ open }) => has(open));
  const channels = CHANNEL_FORMATS.find(({ start, channel, bodies }) =>
    [channel ?? start, ...bodies.keys()].every(has),
  );
  if (channels !== undefined) return { channels, tags: [], wrappers: [] };
  const texts = [template, ...special].join('\n');
  const names = new Set([...texts.matchAll(XML_TAG)].map(([, name = '']) => name));
  const tags = [
    // The first one is used to turn reasoning off, so special formats precede tags, which a template may only mention.
    ...TAG_FORMATS.filter(({ open, close }) => has(open) || has(close)),
    ...[...names].map((name) => ({ open: `<${name}>`, close: `</${name}>` })),
  ];
  return tags.length === 0 ? undefined : { tags, wrappers };
}

/** Returns every marker of the markup. */
export function markersOf({ channels, tags, wrappers }: ReasoningMarkup): string[] {
  const pairs = [...tags, ...wrappers].flatMap(({ open, close }) => [open, close]);
  if (channels === undefined) return [...new Set(pairs)];
  const { start, channel, separators, bodies, ends } = channels;
  return [start, ...(channel === undefined ? [] : [channel]), ...separators, ...bodies.keys(), ...ends];
}

/** Returns whether a prompt ends with a closed block of reasoning, so that the answer follows. */
export function endsClosed(markup: ReasoningMarkup, prompt: string): boolean {
  const text = prompt.trimEnd();
  if (markup.channels !== undefined) return text.endsWith(markup.channels.onlyAnswer);
  return markup.tags.some(({ close }) => text.endsWith(close));
}

/** Returns the format whose block a prompt has opened at its end. */
export function openedTag({ tags }: ReasoningMarkup, prompt: string): TagFormat | undefined {
  const text = prompt.trimEnd();
  return tags.find(({ open, label = '' }) => text.endsWith(open) || text.endsWith(`${open}${label}`.trimEnd()));
}

/** Returns the prompt with an empty block of reasoning at its end, so that the model answers at once. */
export function closePrompt(markup: ReasoningMarkup, prompt: string): string {
  if (endsClosed(markup, prompt)) return prompt;
  if (markup.channels !== undefined) return prompt + markup.channels.onlyAnswer;
  const opened = openedTag(markup, prompt);
  if (opened !== undefined) return `${prompt.trimEnd()}\n\n${opened.close}\n\n`;
  const [first] = markup.tags;
  return first === undefined ? prompt : `${prompt}${first.open}${first.label ?? '\n\n'}${first.close}\n\n`;
}

/** Returns the prompt with a block of reasoning open at its end. */
export function openPrompt(markup: ReasoningMarkup, prompt: string): string {
  if (markup.channels !== undefined) return prompt + markup.channels.onlyReasoning;
  const [first] = markup.tags;
  if (first === undefined || openedTag(markup, prompt) !== undefined) return prompt;
  return `${prompt}${first.open}${first.label ?? '\n'}`;
}

/** Returns the text that ends reasoning and starts the answer. */
export function closingText(markup: ReasoningMarkup, prompt: string): string {
  if (markup.channels !== undefined) return markup.channels.toAnswer;
  const format = openedTag(markup, prompt) ?? markup.tags[0];
  return `\n${format?.close ?? ''}\n\n`;
}
