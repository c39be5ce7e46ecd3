import type { JsonObject } from '../common/json.ts';
import type { CallFormat } from './call-format.ts';
import { closingTag } from './closing-tag.ts';

/** The evidence from which the format of a model's tool calls is detected. */
export interface FormatEvidence {
  /** The source of the chat template; empty without one. */
  readonly template: string;
  /** {@link PROBE_CONVERSATION} as rendered by the template; empty if the template refuses it. */
  readonly rendered: string;
  /** Texts of the tokens of the vocabulary that are not ordinary text. */
  readonly special: ReadonlySet<string>;
}

/** The id of the rendered call, in the form that Mistral's templates require. */
const PROBE_ID = 'call00001';

/** The name of the called function. */
export const PROBE_NAME = 'probe_function';

/** The argument by which the call is recognized, since the name also occurs in the description of the tool. */
export const PROBE_VALUE = 'first value';

const PROBE_CALL = { name: PROBE_NAME, arguments: { first_key: PROBE_VALUE, second_key: 27 } };

/** The tool of the call. */
export const PROBE_TOOL: JsonObject = {
  type: 'function',
  function: {
    name: PROBE_CALL.name,
    description: 'Probe',
    parameters: {
      type: 'object',
      properties: { first_key: { type: 'string' }, second_key: { type: 'integer' } },
      required: ['first_key'],
    },
  },
};

/** The conversation that is rendered to detect a template's format. */
export const PROBE_CONVERSATION = [
  { role: 'user', content: 'Hello' },
  { role: 'assistant', content: '', tool_calls: [{ id: PROBE_ID, type: 'function', function: PROBE_CALL }] },
  { role: 'tool', tool_call_id: PROBE_ID, name: PROBE_CALL.name, content: 'Result' },
];

/**
 * The format that is described to models whose templates do not support tools, that of Hermes: `<tool_call>`, an object
 * with `name` and `arguments`, `</tool_call>`.
 */
export const GENERIC_FORMAT: CallFormat = jsonFormat('<tool_call>', '</tool_call>');

function jsonFormat(
  open: string,
  close: string,
  options: { isList?: boolean; arguments?: string; hasId?: boolean } = {},
): CallFormat {
  const { isList = false, arguments: given = 'arguments', hasId = false } = options;
  return {
    triggers: [open],
    commits: 'begin',
    markers: close === '' ? [] : [close],
    shape: {
      kind: 'json',
      name: 'name',
      arguments: given,
      isList,
      close,
      ...(hasId ? { id: { name: 'id' } } : {}),
    },
  };
}

type Detector = (evidence: FormatEvidence & { readonly text: string }) => CallFormat | undefined;

/** Detects formats, in order: those with markers that no other format has come first. */
const DETECTORS: readonly Detector[] = [
  // gpt-oss: the recipient is in the header of a message in the channel "commentary".
  ({ text }) => {
    if (!text.includes('<|channel|>') || !text.includes('functions.')) return undefined;
    const middles = [
      '<|channel|>commentary <|constrain|>json<|message|>',
      '<|channel|>commentary json<|message|>',
      '<|channel|>commentary<|message|>',
      ' <|constrain|>json<|message|>',
      '<|constrain|>json<|message|>',
      ' json<|message|>',
      '<|message|>',
    ];
    return {
      triggers: ['to=functions.'],
      commits: 'trigger',
      markers: ['<|channel|>', '<|constrain|>', '<|message|>'],
      shape: { kind: 'named', open: '', middles, close: '' },
    };
  },
  // Functionary 3.2: `>>>name`, a line break, the arguments; `>>>all` before text.
  ({ template }) =>
    template.includes('>>>') && /recipient|>>>all/.test(template)
      ? {
          triggers: ['>>>'],
          isOpened: true,
          textName: 'all\n',
          commits: 'name',
          markers: [],
          shape: { kind: 'named', open: '', middles: ['\n'], close: '' },
        }
      : undefined,
  // DeepSeek V3.2 and V4.
  ({ text }) => {
    const [, section] = /<｜DSML｜(tool_calls|function_calls)/.exec(text) ?? [];
    return section === undefined
      ? undefined
      : {
          triggers: [`<｜DSML｜${section}>`],
          commits: 'trigger',
          markers: ['｜DSML｜'],
          shape: {
            kind: 'tags',
            open: '<｜DSML｜invoke name="',
            nameClose: '">',
            style: {
              open: '<｜DSML｜parameter name="',
              middle: '" string="true">',
              otherMiddle: '" string="false">',
              close: '</｜DSML｜parameter>',
            },
            close: '</｜DSML｜invoke>',
            section: { open: '', close: `</｜DSML｜${section}>` },
          },
        };
  },
  // DeepSeek V2.5 to V3.1 and R1: before V3.1 with a type before the name, and the arguments in a block of code.
  ({ text, template }) => {
    if (!text.includes('<｜tool▁calls▁begin｜>')) return undefined;
    const isTyped = template.includes('```json');
    return {
      triggers: ['<｜tool▁calls▁begin｜>'],
      commits: 'trigger',
      markers: ['<｜tool▁call▁begin｜>', '<｜tool▁sep｜>', '<｜tool▁call▁end｜>', '<｜tool▁calls▁end｜>'],
      shape: {
        kind: 'named',
        open: isTyped ? '<｜tool▁call▁begin｜>function<｜tool▁sep｜>' : '<｜tool▁call▁begin｜>',
        middles: [isTyped ? '\n```json\n' : '<｜tool▁sep｜>'],
        close: isTyped ? '\n```<｜tool▁call▁end｜>' : '<｜tool▁call▁end｜>',
        section: { open: '', close: '<｜tool▁calls▁end｜>' },
      },
    };
  },
  // Kimi K2.
  ({ text }) =>
    text.includes('<|tool_calls_section_begin|>')
      ? {
          triggers: ['<|tool_calls_section_begin|>'],
          commits: 'trigger',
          markers: [
            '<|tool_call_begin|>',
            '<|tool_call_argument_begin|>',
            '<|tool_call_end|>',
            '<|tool_calls_section_end|>',
          ],
          shape: {
            kind: 'named',
            open: '<|tool_call_begin|>functions.',
            id: 'index',
            middles: ['<|tool_call_argument_begin|>'],
            close: '<|tool_call_end|>',
            section: { open: '', close: '<|tool_calls_section_end|>' },
          },
        }
      : undefined,
  // Solar: each call has an id before its name.
  ({ text }) =>
    text.includes('<|tool_call:begin|>')
      ? {
          triggers: ['<|tool_calls|>'],
          commits: 'trigger',
          markers: ['<|tool_call:begin|>', '<|tool_call:name|>', '<|tool_call:args|>', '<|tool_call:end|>'],
          shape: {
            kind: 'named',
            open: '<|tool_call:begin|>',
            id: 'before',
            idClose: '<|tool_call:name|>',
            middles: ['<|tool_call:args|>'],
            close: '<|tool_call:end|>',
            section: { open: '', close: '' },
          },
        }
      : undefined,
  // Mistral: a list with ids, or since version 11 of its tokenizer the name and the arguments.
  ({ text, special }) => {
    if (!text.includes('[TOOL_CALLS]')) return undefined;
    const hasArguments = text.includes('[ARGS]') || special.has('[ARGS]');
    return {
      triggers: ['[TOOL_CALLS]'],
      commits: 'trigger',
      markers: ['[ARGS]'],
      shape: hasArguments
        ? { kind: 'named', open: '', middles: ['[ARGS]'], close: '' }
        : {
            kind: 'json',
            name: 'name',
            arguments: 'arguments',
            id: { name: 'id', length: 9 },
            isList: true,
            close: '',
          },
    };
  },
  // Gemma 4.
  ({ text }) =>
    text.includes('<|tool_call>call:')
      ? {
          triggers: ['<|tool_call>'],
          commits: 'begin',
          markers: ['<tool_call|>', '<|"|>'],
          shape: { kind: 'gemma', quote: '<|"|>', close: '<tool_call|>' },
        }
      : undefined,
  // LFM2.
  ({ text }) =>
    text.includes('<|tool_call_start|>') || text.includes('<|tool_list_start|>')
      ? {
          triggers: ['<|tool_call_start|>'],
          commits: 'trigger',
          markers: ['<|tool_call_end|>'],
          shape: { kind: 'python', close: '<|tool_call_end|>' },
        }
      : undefined,
  // Command R7B and later.
  ({ text }) =>
    text.includes('<|START_ACTION|>')
      ? {
          triggers: ['<|START_ACTION|>'],
          commits: 'trigger',
          markers: ['<|END_ACTION|>'],
          shape: {
            kind: 'json',
            name: 'tool_name',
            arguments: 'parameters',
            id: { name: 'tool_call_id', isFirst: true },
            isList: true,
            close: '<|END_ACTION|>',
          },
        }
      : undefined,
  // Apertus.
  ({ text }) =>
    text.includes('<|tools_prefix|>')
      ? {
          triggers: ['<|tools_prefix|>'],
          commits: 'trigger',
          markers: ['<|tools_suffix|>'],
          shape: { kind: 'keyed', close: '<|tools_suffix|>' },
        }
      : undefined,
  // MiniMax M3: a mark before each tag, and elements named for arguments.
  ({ rendered }) => {
    const [, mark, section = ''] =
      /(\S{1,40}?)(<[\w:]*tool_calls?>)\s*\1<invoke name="probe_function">\1<first_key>/.exec(rendered) ?? [];
    if (mark === undefined || mark === '') return undefined;
    const close = mark + closingTag(section);
    return {
      triggers: [mark + section],
      commits: 'trigger',
      markers: [mark],
      shape: {
        kind: 'elements',
        open: `${mark}<invoke name="`,
        nameClose: '">',
        mark,
        close: `${mark}</invoke>`,
        section: { open: '', close },
      },
    };
  },
  // MiniMax M2, and others that name a function in an attribute.
  ({ text }) => {
    const [, section] = /(<[\w:]*tool_calls?>)\s*<invoke name=/.exec(text) ?? [];
    if (section === undefined) return undefined;
    return {
      triggers: [section],
      commits: 'begin',
      markers: [closingTag(section)],
      shape: {
        kind: 'tags',
        open: '<invoke name="',
        nameClose: '">',
        style: { open: '<parameter name="', middle: '">', close: '</parameter>' },
        close: '</invoke>',
        section: { open: '', close: closingTag(section) },
      },
    };
  },
  // MiniCPM.
  ({ text }) =>
    text.includes('<function name="') && text.includes('<param name="')
      ? {
          triggers: ['<function name="'],
          commits: 'trigger',
          markers: [],
          shape: {
            kind: 'tags',
            open: '',
            nameClose: '">',
            style: { open: '<param name="', middle: '">', close: '</param>' },
            close: '</function>',
          },
        }
      : undefined,
  // GLM 4.5 and later, and models that use its tags, possibly with a suffix in them.
  ({ text, rendered }) => {
    const own =
      /(?:(<tool_calls[^>]*>)\s*)?(<tool_call(?!s)[^>]*>)probe_function(<[^>]+>)?(\s*)<arg_key([^>]*)>first_key/.exec(
        rendered,
      );
    if (own === null && !text.includes('<arg_key>')) return undefined;
    const [, section, open = '<tool_call>', separator = '', space = '\n', mark = ''] = own ?? [];
    return {
      triggers: [section ?? open],
      commits: 'begin',
      markers: [open, separator, closingTag(open), closingTag(section ?? open)],
      shape: {
        kind: 'tags',
        open: section === undefined ? '' : open,
        nameClose: separator,
        style: {
          open: `<arg_key${mark}>`,
          middle: `</arg_key${mark}>${space}<arg_value${mark}>`,
          close: `</arg_value${mark}>`,
        },
        close: closingTag(open),
        ...(section === undefined ? {} : { section: { open: '', close: closingTag(section) } }),
      },
    };
  },
  // Qwen3-Coder, Seed-OSS, Nemotron 3, Step: each argument between tags.
  ({ text }) => {
    const shown = /(<[\w:]*tool_call>)?\s*<function=[^>]*>\s*<parameter=[^>]*>(\n?)/.exec(text);
    if (shown === null) return undefined;
    const [, outer = '', line = ''] = shown;
    const tag = outer === '' && /<tool_call>\\n<function=/.test(text) ? '<tool_call>' : outer;
    return {
      triggers: [tag === '' ? '<function=' : tag],
      commits: tag === '' ? 'trigger' : 'begin',
      markers: tag === '' ? [] : [closingTag(tag)],
      shape: {
        kind: 'tags',
        open: tag === '' ? '' : '<function=',
        nameClose: '>',
        style: { open: '<parameter=', middle: `>${line}`, close: `${line}</parameter>` },
        close: tag === '' ? '</function>' : `</function>\n${closingTag(tag)}`,
      },
    };
  },
  // Functionary 3.1 and Llama 3.1 with functions in their own syntax.
  ({ text }) =>
    /<function=/.test(text)
      ? {
          triggers: ['<function='],
          commits: 'trigger',
          markers: [],
          shape: { kind: 'named', open: '', middles: ['>'], close: '</function>' },
        }
      : undefined,
  // Firefunction 2.
  ({ text }) => (text.includes('functools[') ? jsonFormat('functools', '', { isList: true }) : undefined),
  // A tag or marker before an object, or a list of objects, with name and arguments.
  ({ text, rendered }) => {
    const found = TAGGED_JSON.exec(rendered) ?? TAGGED_JSON.exec(text);
    if (found === null) return undefined;
    const [, open = '', list = '', key = 'arguments'] = found;
    const close = [closingTag(open), open.replace('<|', '<|/')].find((tag) => text.includes(tag)) ?? '';
    return jsonFormat(open, close, {
      isList: list !== '',
      arguments: key,
      hasId: rendered.includes(`"id": "${PROBE_ID}"`),
    });
  },
  // Markers of vocabularies whose templates only describe them.
  ({ text, special, template }) => {
    if (special.has('<|tool_call|>') || template.includes('<|tool_call|>')) {
      return jsonFormat('<|tool_call|>', special.has('<|/tool_call|>') ? '<|/tool_call|>' : '', { isList: true });
    }
    if (text.includes('<tool_call>')) return GENERIC_FORMAT;
    return undefined;
  },
  // Llama 3.
  ({ rendered, template, special }) => {
    const isShown = /\{"name": ?"probe_function", ?"parameters": ?\{/.test(rendered);
    const isSaid = template.includes('"parameters"') && (template.includes('ipython') || special.has('<|python_tag|>'));
    return isShown || isSaid
      ? {
          triggers: ['<|python_tag|>'],
          isBare: true,
          commits: 'name',
          markers: [],
          shape: { kind: 'json', name: 'name', arguments: 'parameters', isList: false, close: '' },
        }
      : undefined;
  },
];

/** A tag or marker, possibly a bracket, and an object that begins with a name. */
const TAGGED_JSON =
  /(<\|?[\w:▁-]*(?:tool_calls?|toolcalls?|function_calls?|functioncall)\|?>)\s*(\[?)\s*\{\\?"name\\?": ?(?:\\?"?<?[\w-]+>?\\?"?), ?\\?"(arguments|parameters)\\?"/i;

/** Returns the format of calls of a model; undefined if its template shows none. */
export function detectCallFormat(evidence: FormatEvidence): CallFormat | undefined {
  const text = [evidence.rendered, evidence.template, ...evidence.special].join('\n');
  for (const detect of DETECTORS) {
    const format = detect({ ...evidence, text });
    if (format !== undefined) return format;
  }
  return undefined;
}
