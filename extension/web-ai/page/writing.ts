import { isKnownLanguage, toEnum, toLanguage, toLanguages } from './idl.ts';
import type { TaskInterface, TaskSettings } from './task-interface.ts';

/** The enumerated options of an interface; the first value of each is the default. */
type Choices = Readonly<Record<string, readonly [string, ...string[]]>>;

/** How the three interfaces differ. */
interface WritingKind {
  /** The method of the objects. */
  readonly method: string;
  readonly choices: Choices;
  readonly instructions: (values: Readonly<Record<string, string>>) => string;
  readonly emptyResult: (input: string) => string;
}

const FORMATS: Readonly<Record<string, string>> = {
  'plain-text': 'Write plain text without Markdown.',
  markdown: 'Write Markdown.',
  'as-is': 'Keep the format of the text.',
};

const SUMMARY_TYPES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  tldr: {
    short: 'Summarize it in one sentence, for a reader who has no time.',
    medium: 'Summarize it in three sentences, for a reader who has no time.',
    long: 'Summarize it in five sentences, for a reader who has no time.',
  },
  teaser: {
    short: 'Write a teaser of one sentence that makes readers want to read it.',
    medium: 'Write a teaser of three sentences that makes readers want to read it.',
    long: 'Write a teaser of five sentences that makes readers want to read it.',
  },
  'key-points': {
    short: 'List its three most important points, each in a line that begins with "* ".',
    medium: 'List its five most important points, each in a line that begins with "* ".',
    long: 'List its seven most important points, each in a line that begins with "* ".',
  },
  headline: {
    short: 'Write a headline for it of at most 12 words.',
    medium: 'Write a headline for it of at most 17 words.',
    long: 'Write a headline for it of at most 22 words.',
  },
};

const WRITER_LENGTHS: Readonly<Record<string, string>> = {
  short: 'Write at most 100 words.',
  medium: 'Write 100 to 300 words.',
  long: 'Write 300 to 600 words.',
};

const REWRITES: Readonly<Record<string, string>> = {
  'more-formal': 'Make the tone more formal.',
  'more-casual': 'Make the tone more casual.',
  shorter: 'Make it shorter.',
  longer: 'Make it longer.',
};

/** The interfaces of the Writing Assistance APIs. */
const KINDS: Readonly<Record<'Summarizer' | 'Writer' | 'Rewriter', WritingKind>> = {
  Summarizer: {
    method: 'summarize',
    choices: {
      type: ['key-points', 'tldr', 'teaser', 'headline'],
      format: ['markdown', 'plain-text'],
      length: ['short', 'medium', 'long'],
      preference: ['auto', 'speed', 'capability'],
    },
    instructions: ({ type = '', length = '', format = '' }) =>
      ['You summarize the text that the user gives you.', SUMMARY_TYPES[type]?.[length], FORMATS[format]].join(' '),
    emptyResult: () => '',
  },
  Writer: {
    method: 'write',
    choices: {
      tone: ['neutral', 'formal', 'casual'],
      format: ['markdown', 'plain-text'],
      length: ['short', 'medium', 'long'],
    },
    instructions: ({ tone = '', length = '', format = '' }) =>
      [
        `You write what the user asks for, in a ${tone} tone.`,
        WRITER_LENGTHS[length],
        FORMATS[format],
        'Write nothing else.',
      ].join(' '),
    emptyResult: () => '',
  },
  Rewriter: {
    method: 'rewrite',
    choices: {
      tone: ['as-is', 'more-formal', 'more-casual'],
      format: ['as-is', 'plain-text', 'markdown'],
      length: ['as-is', 'shorter', 'longer'],
    },
    instructions: ({ tone = '', length = '', format = '' }) =>
      [
        'You rewrite the text that the user gives you, in its language and with its meaning.',
        REWRITES[tone] ?? 'Keep its tone.',
        REWRITES[length] ?? 'Keep its length.',
        FORMATS[format],
        'Write nothing but the new text.',
      ].join(' '),
    emptyResult: (input) => input,
  },
};

/** Attributes that all three interfaces have. */
const SHARED = ['sharedContext', 'expectedInputLanguages', 'expectedContextLanguages', 'outputLanguage'];

/** Returns the description of `Summarizer`, `Writer` or `Rewriter`. */
export function writingInterface(name: keyof typeof KINDS): TaskInterface {
  const kind = KINDS[name];
  return {
    method: kind.method,
    attributes: [...Object.keys(kind.choices), ...SHARED],
    read: (members) => readOptions(kind, members),
  };
}

function readOptions(
  { choices, instructions, emptyResult }: WritingKind,
  members: Record<string, unknown>,
): TaskSettings {
  const values = Object.fromEntries(
    Object.entries(choices).map(([name, allowed]) => {
      const value = members[name];
      return [name, value === undefined ? allowed[0] : toEnum(value, allowed, name)];
    }),
  );
  const inputs = toLanguages(members.expectedInputLanguages, 'expectedInputLanguages') ?? [];
  const contexts = toLanguages(members.expectedContextLanguages, 'expectedContextLanguages') ?? [];
  const output = members.outputLanguage === undefined ? null : toLanguage(members.outputLanguage);
  const sharedContext = members.sharedContext === undefined ? '' : `${members.sharedContext}`;
  const told = [
    instructions(values),
    output === null ? '' : `Answer in ${nameOf(output)}.`,
    sharedContext.trim() === '' ? '' : `\n\nBackground:\n${sharedContext}`,
  ].filter((part) => part !== '');
  return {
    values: {
      ...values,
      sharedContext,
      expectedInputLanguages: listOrNull(inputs),
      expectedContextLanguages: listOrNull(contexts),
      outputLanguage: output,
    },
    languages: [...inputs, ...contexts, ...(output === null ? [] : [output])],
    instructions: (context) => [...told, ...(context === '' ? [] : [`\n\nAbout this text:\n${context}`])].join(' '),
    emptyResult,
  };
}

/** Returns the value of an attribute for languages. */
export function listOrNull(languages: readonly string[]): readonly string[] | null {
  return languages.length === 0 ? null : Object.freeze([...languages]);
}

/** Returns the English name of a language: models understand it better than the tag. */
export function nameOf(tag: string): string {
  return isKnownLanguage(tag) ? (new Intl.DisplayNames(['en'], { type: 'language' }).of(tag) ?? tag) : tag;
}
