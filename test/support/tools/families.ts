/** The tool call format of a family of public models: a chat template that defines it, and an answer in this format. */
export interface CallFamily {
  readonly name: string;
  readonly template: string;
  /** The tokens of an answer with one call of `get_weather` for Bern. They must be distinct. */
  readonly pieces: readonly string[];
  /** The control tokens among them. */
  readonly control?: readonly string[];
  /** Further control tokens in the vocabulary. */
  readonly vocabulary?: readonly string[];
  /** Text before the call. */
  readonly text?: string;
  /** An answer with a second call, of `list_notes`, as text; undefined if the format allows only one call. */
  readonly parallel?: string;
}

/** The tools in the requests. */
export const TOOLS = [
  {
    type: 'function',
    function: {
      name: 'get_weather',
      description: 'Weather of a town',
      parameters: {
        type: 'object',
        properties: { town: { type: 'string' }, days: { type: 'integer', minimum: 1, maximum: 7 } },
        required: ['town'],
      },
    },
  },
  { type: 'function', function: { name: 'list_notes', parameters: { type: 'object', properties: {} } } },
];

/** Returns a chat template that lists the tools and renders each call with the given template. */
function template(call: string, { before = '', after = '', start = '<|assistant|>' } = {}): string {
  return `{%- if tools %}{{ tools | tojson }}
{% endif -%}
{%- for m in messages %}{{ '<|' + m.role + '|>' }}{{ m.content or '' }}
{%- if m.tool_calls %}${before}{% for c in m.tool_calls %}{% set f = c.function %}${call}{% endfor %}${after}{% endif %}<|stop|>
{% endfor -%}
{%- if add_generation_prompt %}${start}{% endif %}`;
}

/** Stands before each tag of MiniMax M3. */
const M3 = ']<]minimax[>[';

const JSON_CALL = '{"name": "{{ f.name }}", "arguments": {{ f.arguments | tojson }}}';

export const FAMILIES: readonly [CallFamily, ...CallFamily[]] = [
  {
    name: 'Hermes and Qwen',
    template: template(`\n<tool_call>\n${JSON_CALL}\n</tool_call>`),
    text: 'I will look.',
    pieces: [
      'I will ',
      'look.\n',
      '<tool_call>',
      '\n{"name": "get_wea',
      'ther", "arguments": {"town": ',
      '"Bern"',
      '}}',
      '\n</tool_call>',
    ],
    parallel:
      '<tool_call>\n{"name": "get_weather", "arguments": {"town": "Bern"}}\n</tool_call>\n<tool_call>\n{"name": "list_notes", "arguments": {}}\n</tool_call>',
  },
  {
    name: 'Qwen3-Coder',
    template: template(
      '<tool_call>\n<function={{ f.name }}>\n{% for k, v in f.arguments.items() %}<parameter={{ k }}>\n{{ v }}\n</parameter>\n{% endfor %}</function>\n</tool_call>',
    ),
    pieces: [
      '<tool_call>',
      '\n<function=get_weather>\n',
      '<parameter=town>\n',
      'Bern',
      '\n</parameter>\n',
      '</function>',
      '\n</tool_call>',
    ],
    parallel:
      '<tool_call>\n<function=get_weather>\n<parameter=town>\nBern\n</parameter>\n</function>\n</tool_call>\n<tool_call>\n<function=list_notes>\n</function>\n</tool_call>',
  },
  {
    name: 'Llama 3',
    template: template('{"name": "{{ f.name }}", "parameters": {{ f.arguments | tojson }}}'),
    pieces: ['{"name": "get_', 'weather", "parameters": {"town": "Bern"', '}}'],
  },
  {
    name: 'Llama 3 with its token',
    template: template('{"name": "{{ f.name }}", "parameters": {{ f.arguments | tojson }}}'),
    control: ['<|python_tag|>'],
    pieces: ['<|python_tag|>', '{"name": "get_weather", "parameters": {"town": "Bern"', '}}'],
  },
  {
    name: 'Mistral',
    template: template(
      '{"name": "{{ f.name }}", "arguments": {{ f.arguments | tojson }}, "id": "{{ c.id }}"}{{ ", " if not loop.last }}',
      {
        before: '[TOOL_CALLS][',
        after: ']',
      },
    ),
    control: ['[TOOL_CALLS]'],
    pieces: [
      '[TOOL_CALLS]',
      '[{"name": "get_weather", ',
      '"arguments": {"town": "Bern"}, ',
      '"id": "abcDEF123"',
      '}',
      ' ]',
    ],
    parallel:
      '[TOOL_CALLS][{"name": "get_weather", "arguments": {"town": "Bern"}, "id": "abcDEF123"}, {"name": "list_notes", "arguments": {}, "id": "123456789"}]',
  },
  {
    name: 'Mistral with separate arguments',
    template: template('[TOOL_CALLS]{{ f.name }}[ARGS]{{ f.arguments | tojson }}'),
    control: ['[TOOL_CALLS]', '[ARGS]'],
    pieces: ['[TOOL_CALLS]', 'get_weather', '[ARGS]', '{"town": "Bern"}'],
    parallel: '[TOOL_CALLS]get_weather[ARGS]{"town": "Bern"}[TOOL_CALLS]list_notes[ARGS]{}',
  },
  {
    name: 'gpt-oss',
    template: `{%- if tools %}namespace functions {{ tools | tojson }}{% endif -%}
{%- for m in messages %}<|start|>{{ m.role }}{% if m.tool_calls %}{% for c in m.tool_calls %} to=functions.{{ c.function.name }}<|channel|>commentary json<|message|>{{ c.function.arguments | tojson }}<|call|>{% endfor %}{% else %}<|message|>{{ m.content }}<|end|>{% endif %}{% endfor -%}
<|start|>assistant`,
    control: ['<|channel|>', '<|message|>', '<|constrain|>', '<|call|>'],
    vocabulary: ['<|start|>', '<|end|>'],
    pieces: [
      '<|channel|>',
      'commentary',
      ' to=functions.',
      'get_weather',
      ' ',
      '<|constrain|>',
      'json',
      '<|message|>',
      '{"town":"Bern"}',
      '<|call|>',
    ],
  },
  {
    name: 'DeepSeek R1',
    template: template(
      '<｜tool▁call▁begin｜>function<｜tool▁sep｜>{{ f.name }}\n```json\n{{ f.arguments | tojson }}\n```<｜tool▁call▁end｜>',
      {
        before: '<｜tool▁calls▁begin｜>',
        after: '<｜tool▁calls▁end｜>',
      },
    ),
    control: [
      '<｜tool▁calls▁begin｜>',
      '<｜tool▁call▁begin｜>',
      '<｜tool▁sep｜>',
      '<｜tool▁call▁end｜>',
      '<｜tool▁calls▁end｜>',
    ],
    text: 'Let me see.',
    pieces: [
      'Let me see.',
      '<｜tool▁calls▁begin｜>',
      '<｜tool▁call▁begin｜>',
      'function',
      '<｜tool▁sep｜>',
      'get_weather\n',
      '```json\n',
      '{"town": "Bern"}',
      '\n```',
      '<｜tool▁call▁end｜>',
      '<｜tool▁calls▁end｜>',
    ],
    parallel:
      '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{"town": "Bern"}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>list_notes\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
  },
  {
    name: 'DeepSeek V3.1',
    template: template('<｜tool▁call▁begin｜>{{ f.name }}<｜tool▁sep｜>{{ f.arguments | tojson }}<｜tool▁call▁end｜>', {
      before: '<｜tool▁calls▁begin｜>',
      after: '<｜tool▁calls▁end｜>',
    }),
    control: [
      '<｜tool▁calls▁begin｜>',
      '<｜tool▁call▁begin｜>',
      '<｜tool▁sep｜>',
      '<｜tool▁call▁end｜>',
      '<｜tool▁calls▁end｜>',
    ],
    pieces: [
      '<｜tool▁calls▁begin｜>',
      '<｜tool▁call▁begin｜>',
      'get_weather',
      '<｜tool▁sep｜>',
      '{"town": "Bern"}',
      '<｜tool▁call▁end｜>',
      '<｜tool▁calls▁end｜>',
    ],
    parallel:
      '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"town": "Bern"}<｜tool▁call▁end｜><｜tool▁call▁begin｜>list_notes<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
  },
  {
    name: 'DeepSeek V4',
    template: template(
      '<｜DSML｜invoke name="{{ f.name }}">\n{% for k, v in f.arguments.items() %}<｜DSML｜parameter name="{{ k }}" string="{{ "true" if v is string else "false" }}">{{ v }}</｜DSML｜parameter>\n{% endfor %}</｜DSML｜invoke>\n',
      { before: '<｜DSML｜tool_calls>\n', after: '</｜DSML｜tool_calls>' },
    ),
    pieces: [
      '<｜DSML｜tool_calls>\n',
      '<｜DSML｜invoke name="get_weather">\n',
      '<｜DSML｜parameter name="town" string="true">',
      'Bern',
      '</｜DSML｜parameter>\n',
      '</｜DSML｜invoke>\n',
      '</｜DSML｜tool_calls>',
    ],
    parallel:
      '<｜DSML｜tool_calls>\n<｜DSML｜invoke name="get_weather">\n<｜DSML｜parameter name="town" string="true">Bern</｜DSML｜parameter>\n</｜DSML｜invoke>\n<｜DSML｜invoke name="list_notes">\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>',
  },
  {
    name: 'Gemma',
    template: template(
      '<|tool_call>call:{{ f.name }}{% raw %}{{% endraw %}{% for k, v in f.arguments.items() %}{{ k }}:<|"|>{{ v }}<|"|>{% endfor %}}<tool_call|>',
    ),
    control: ['<|tool_call>', '<tool_call|>', '<|"|>'],
    pieces: ['<|tool_call>', 'call:', 'get_weather{town:', '<|"|>', 'Bern', '<|"|>}', '<tool_call|>'],
    parallel: '<|tool_call>call:get_weather{town:<|"|>Bern<|"|>}<tool_call|><|tool_call>call:list_notes{}<tool_call|>',
  },
  {
    name: 'Cohere',
    template: template(
      '{"tool_call_id": "{{ loop.index0 }}", "tool_name": "{{ f.name }}", "parameters": {{ f.arguments | tojson }}}{{ ",\n" if not loop.last }}',
      {
        before: '<|START_ACTION|>[\n',
        after: '\n]<|END_ACTION|>',
      },
    ),
    control: ['<|START_ACTION|>', '<|END_ACTION|>'],
    pieces: [
      '<|START_ACTION|>',
      '[\n    {"tool_call_id": "0", "tool_name": "get_weather", ',
      '"parameters": {"town": "Bern"}}\n]',
      '<|END_ACTION|>',
    ],
    parallel:
      '<|START_ACTION|>[\n    {"tool_call_id": "0", "tool_name": "get_weather", "parameters": {"town": "Bern"}},\n    {"tool_call_id": "1", "tool_name": "list_notes", "parameters": {}}\n]<|END_ACTION|>',
  },
  {
    name: 'Granite',
    template: `{# When a tool is required, respond with <|tool_call|> followed by a JSON list. #}${template(JSON_CALL, { before: '<|tool_call|>[', after: ']' })}`,
    control: ['<|tool_call|>'],
    pieces: ['<|tool_call|>', '[{"name": "get_weather", "arguments": ', '{"town": "Bern"}}]'],
    parallel:
      '<|tool_call|>[{"name": "get_weather", "arguments": {"town": "Bern"}}, {"name": "list_notes", "arguments": {}}]',
  },
  {
    name: 'GLM',
    template: template(
      '\n<tool_call>{{ f.name }}\n{% for k, v in f.arguments.items() %}<arg_key>{{ k }}</arg_key>\n<arg_value>{{ v }}</arg_value>\n{% endfor %}</tool_call>',
    ),
    pieces: [
      '<tool_call>',
      'get_weather\n',
      '<arg_key>',
      'town',
      '</arg_key>\n',
      '<arg_value>',
      'Bern',
      '</arg_value>\n',
      '</tool_call>',
    ],
    parallel:
      '<tool_call>get_weather\n<arg_key>town</arg_key>\n<arg_value>Bern</arg_value>\n</tool_call>\n<tool_call>list_notes\n</tool_call>',
  },
  {
    name: 'Kimi',
    template: template(
      '<|tool_call_begin|>functions.{{ f.name }}:{{ loop.index0 }}<|tool_call_argument_begin|>{{ f.arguments | tojson }}<|tool_call_end|>',
      {
        before: '<|tool_calls_section_begin|>',
        after: '<|tool_calls_section_end|>',
      },
    ),
    control: [
      '<|tool_calls_section_begin|>',
      '<|tool_call_begin|>',
      '<|tool_call_argument_begin|>',
      '<|tool_call_end|>',
      '<|tool_calls_section_end|>',
    ],
    pieces: [
      '<|tool_calls_section_begin|>',
      '<|tool_call_begin|>',
      'functions.get_weather:0',
      '<|tool_call_argument_begin|>',
      '{"town": "Bern"}',
      '<|tool_call_end|>',
      '<|tool_calls_section_end|>',
    ],
    parallel:
      '<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{"town": "Bern"}<|tool_call_end|><|tool_call_begin|>functions.list_notes:1<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>',
  },
  {
    name: 'Functionary 3.1',
    template: template('<function={{ f.name }}>{{ f.arguments | tojson }}</function>'),
    pieces: ['<function=get_', 'weather>', '{"town": "Bern"}', '</function>'],
    parallel: '<function=get_weather>{"town": "Bern"}</function><function=list_notes>{}</function>',
  },
  {
    name: 'Functionary 3.2',
    template: `{# >>>\${recipient} #}${template('>>>{{ f.name }}\n{{ f.arguments | tojson }}', { start: '<|assistant|>>>>' })}`,
    pieces: ['get_weather', '\n{"town": "Bern"}'],
    parallel: 'get_weather\n{"town": "Bern"}>>>list_notes\n{}',
  },
  {
    name: 'LFM2',
    template: template('{{ f.name }}({% for k, v in f.arguments.items() %}{{ k }}={{ v | tojson }}{% endfor %})', {
      before: '<|tool_call_start|>[',
      after: ']<|tool_call_end|>',
    }),
    control: ['<|tool_call_start|>', '<|tool_call_end|>'],
    pieces: ['<|tool_call_start|>', '[get_weather(town="Bern"', ')]', '<|tool_call_end|>'],
    parallel: '<|tool_call_start|>[get_weather(town="Bern"), list_notes()]<|tool_call_end|>',
  },
  {
    name: 'LFM2.5, whose template omits calls',
    template: `{%- if tools %}List of tools: [{% for t in tools %}{{ t | tojson }}{% endfor %}]
{% endif -%}
{%- for m in messages %}{{ '<|' + m.role + '|>' }}{{ m.content if m.content is string else m.content | tojson }}<|stop|>
{% endfor -%}
{%- if add_generation_prompt %}<|assistant|>{% endif %}`,
    control: ['<|tool_call_start|>', '<|tool_call_end|>'],
    pieces: ['<|tool_call_start|>', '[get_weather(town="Bern"', ')]', '<|tool_call_end|>'],
    parallel: '<|tool_call_start|>[get_weather(town="Bern"), list_notes()]<|tool_call_end|>',
  },
  {
    name: 'Apertus',
    template: template('{"{{ f.name }}": {{ f.arguments | tojson }}}', {
      before: '<|tools_prefix|>[',
      after: ']<|tools_suffix|>',
    }),
    control: ['<|tools_prefix|>', '<|tools_suffix|>'],
    pieces: ['<|tools_prefix|>', '[{"get_weather": ', '{"town": "Bern"}}]', '<|tools_suffix|>'],
    parallel: '<|tools_prefix|>[{"get_weather": {"town": "Bern"}}, {"list_notes": {}}]<|tools_suffix|>',
  },
  {
    name: 'MiniMax M3',
    template: template(
      `${M3}<invoke name="{{ f.name }}">{% for k, v in f.arguments.items() %}${M3}<{{ k }}>{{ v }}${M3}</{{ k }}>{% endfor %}${M3}</invoke>\n`,
      { before: `${M3}<tool_call>\n`, after: `${M3}</tool_call>` },
    ),
    control: [M3],
    pieces: [
      M3,
      '<tool_call>\n',
      `${M3}<invoke name="get_weather">`,
      `${M3}<town>`,
      'Bern',
      `${M3}</town>`,
      `${M3}</invoke>\n`,
      `${M3}</tool_call>`,
    ],
    parallel: `${M3}<tool_call>\n${M3}<invoke name="get_weather">${M3}<town>Bern${M3}</town>${M3}</invoke>\n${M3}<invoke name="list_notes">${M3}</invoke>\n${M3}</tool_call>`,
  },
  {
    name: 'a template without tool support',
    template: '{% for m in messages %}{{ "<|" + m.role + "|>" }}{{ m.content }}\n{% endfor %}<|assistant|>',
    pieces: ['<tool_call>\n{"name": ', '"get_weather", "arguments": {"town": "Bern"}}', '\n</tool_call>'],
    parallel:
      '<tool_call>\n{"name": "get_weather", "arguments": {"town": "Bern"}}\n</tool_call>\n<tool_call>\n{"name": "list_notes", "arguments": {}}\n</tool_call>',
  },
];
