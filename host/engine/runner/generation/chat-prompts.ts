import {
  type ChatTemplate,
  ChatTemplateError,
  compileTemplate,
  TemplateLimitError,
  TemplateRaisedError,
} from '../../../chat-template/chat-template.ts';
import { HostError } from '../../../common/errors.ts';
import type { JsonObject } from '../../../common/json.ts';
import type { ChatFormat, ChatMessage, ChatOptions } from '../../../models/generation.ts';
import { contentText } from '../../../protocol/content-text.ts';
import {
  closePrompt,
  closingText,
  detectMarkup,
  openPrompt,
  type ReasoningMarkup,
} from '../../../reasoning/formats.ts';
import {
  budgetVariables,
  type LevelSettings,
  levelSettings,
  REASONING_LEVELS,
  type ReasoningLevel,
} from '../../../reasoning/levels.ts';
import type { CallFormat } from '../../../tools/call-format.ts';
import { detectCallFormat, PROBE_CONVERSATION, PROBE_NAME, PROBE_TOOL, PROBE_VALUE } from '../../../tools/formats.ts';
import { withReasoning } from './adapt-messages.ts';
import { writeChat } from './fallback-chat.ts';
import { renderChat } from './render-chat.ts';
import { completeTools, plainToolMessages, type TemplateCalls, toolSettings } from './tool-messages.ts';

/** A conversation that is rendered to find out whether a template works. */
const PROBE: readonly ChatMessage[] = [{ role: 'user', content: 'Hello' }];

/** A conversation with several turns: some templates can render only the first question. */
const LONGER_PROBE: readonly ChatMessage[] = [...PROBE, { role: 'assistant', content: 'Hello' }, ...PROBE];

/** Longest reason, from the template or the interpreter, that an error message contains, characters. */
const MAX_REASON_CHARACTERS = 300;

/** What a model's file specifies about conversations. */
export interface ChatModel {
  /** The chat template; undefined if the file has none. */
  readonly template: string | undefined;
  readonly bosToken: string;
  readonly eosToken: string;
  /** Texts of the tokens of the vocabulary that are not ordinary text. */
  readonly special: ReadonlySet<string>;
}

/** A conversation as text. */
export interface WrittenChat {
  readonly text: string;
  /** Texts that end the model's turn besides its own end token. */
  readonly stop: readonly string[];
  readonly markup: ReasoningMarkup | undefined;
  /** The beginning of the answer, without reasoning, that the model continues. */
  readonly opening?: string | undefined;
  /** How the model writes calls of tools; undefined where it gets none. */
  readonly callFormat?: CallFormat | undefined;
  /** Names of settings that had no effect. */
  readonly ignored: readonly string[];
}

/** A compiled template, and what is known about it. */
interface KnownTemplate {
  readonly source: string;
  readonly template: ChatTemplate;
  readonly markup: ReasoningMarkup | undefined;
  readonly levels: Map<ReasoningLevel, LevelSettings>;
  /** How the template shows calls of tools; undefined before it was asked. */
  calls?: TemplateCalls;
}

/** Renders the conversations of one model as text. */
export class ChatPrompts {
  readonly format: ChatFormat;
  readonly #model: ChatModel;
  readonly #hasChatMl: boolean;
  readonly #template: KnownTemplate | undefined;
  /** The markup of a model without a template. */
  readonly #markup: ReasoningMarkup | undefined;
  /** The template of the last request that had its own. */
  #given: KnownTemplate | undefined;

  constructor(model: ChatModel) {
    this.#model = model;
    this.#hasChatMl = model.special.has('<|im_start|>');
    this.#markup = detectMarkup({ template: '', special: model.special });
    const { template, error } = this.#probe(model.template);
    this.#template = template;
    const fallback = this.#hasChatMl ? 'chatml' : 'transcript';
    const used = template === undefined || error !== null ? fallback : 'template';
    this.format = { used, error, reasoning: template === undefined ? [] : this.#levels(template) };
  }

  /**
   * Renders a conversation up to where the model's answer begins.
   *
   * @throws HostError `CHAT_TEMPLATE_FAILED`
   */
  write(messages: readonly ChatMessage[], options: ChatOptions = {}): WrittenChat {
    const last = messages.at(-1);
    if (options.continues !== true || last === undefined) return this.#writeTurns(messages, options);
    const written = this.#writeTurns(messages.slice(0, -1), options);
    return { ...written, ...continued(written, last) };
  }

  #writeTurns(messages: readonly ChatMessage[], options: ChatOptions): WrittenChat {
    try {
      const known = options.template === undefined ? this.#template : this.#compileGiven(options.template);
      return known === undefined ? this.#writePlainly(messages, options) : this.#writeWith(known, messages, options);
    } catch (error) {
      if (!(error instanceof ChatTemplateError)) throw error;
      if (options.template === undefined && this.format.error !== null) return this.#writePlainly(messages, options);
      throw templateFailed(error);
    }
  }

  #writeWith(known: KnownTemplate, messages: readonly ChatMessage[], options: ChatOptions): WrittenChat {
    const { markup, template } = known;
    const { reasoning = 'auto', maxReasoningTokens } = options;
    const tools = toolSettings(options.tools, template.reads, this.#calls(known));
    const level = this.#level(known, reasoning);
    const budget = reasoning === 'off' ? {} : budgetVariables(template.reads, maxReasoningTokens);
    const text = this.#renderWithTools(known, tools.messages(messages), {
      ...options,
      tools: tools.passed,
      variables: { ...tools.variables, ...level.variables, ...budget, ...options.variables },
    });
    const ignored = unusedReasoning(options, markup, level.isUsed);
    const { format: callFormat } = tools;
    return { text: level.closes && markup ? closePrompt(markup, text) : text, stop: [], markup, callFormat, ignored };
  }

  /** Finds out how a template shows calls, once. */
  #calls(known: KnownTemplate): TemplateCalls {
    known.calls ??= this.#detectCalls(known);
    return known.calls;
  }

  #detectCalls({ template, source }: KnownTemplate): TemplateCalls {
    const variables = { tools: [PROBE_TOOL], xml_tools: [PROBE_TOOL] };
    const rendered = this.#tryRender(template, PROBE_CONVERSATION, variables) ?? '';
    return {
      format: detectCallFormat({ template: source, rendered, special: this.#model.special }),
      omitsCalls: rendered !== '' && !rendered.includes(PROBE_VALUE),
      showsCalls: (this.#tryRender(template, PROBE_CONVERSATION, {}) ?? '').includes(PROBE_NAME),
    };
  }

  /** A template may fail at a tool that lacks a description or parameters. */
  #renderWithTools(known: KnownTemplate, messages: readonly ChatMessage[], options: ChatOptions): string {
    try {
      return this.#renderWithReasoning(known, messages, options);
    } catch (error) {
      const tools = completeTools(options.tools);
      if (!(error instanceof ChatTemplateError) || error instanceof TemplateLimitError || tools === undefined)
        throw error;
      return this.#renderWithReasoning(known, messages, { ...options, tools });
    }
  }

  /** A template may reject the reasoning of an earlier answer, for example together with tool calls. */
  #renderWithReasoning(known: KnownTemplate, messages: readonly ChatMessage[], options: ChatOptions): string {
    const { template, source } = known;
    const reasoned = withReasoning(messages, source);
    if (reasoned !== undefined) {
      try {
        return this.#render(template, reasoned, options);
      } catch (error) {
        if (!(error instanceof TemplateRaisedError)) throw error;
      }
    }
    return this.#render(template, messages, options);
  }

  #writePlainly(messages: readonly ChatMessage[], options: ChatOptions): WrittenChat {
    const markup = this.#markup;
    const tools = toolSettings(options.tools, new Set(), { format: undefined, showsCalls: false, omitsCalls: false });
    const withTools = tools.messages(messages);
    const { text, stop } = writeChat(plainToolMessages(withTools) ?? withTools, this.#hasChatMl);
    const { reasoning = 'auto' } = options;
    const ignored = unusedReasoning(options, markup, reasoning === 'auto' || reasoning === 'off');
    const { format: callFormat } = tools;
    return {
      text: reasoning === 'off' && markup ? closePrompt(markup, text) : text,
      stop,
      markup,
      callFormat,
      ignored,
    };
  }

  /** Determines, once per template, which of its variables sets the level of reasoning. */
  #level(known: KnownTemplate, level: ReasoningLevel): LevelSettings {
    let settings = known.levels.get(level);
    if (settings === undefined) {
      const { markup, template } = known;
      const render = (variables: JsonObject) => this.#tryProbe(template, variables);
      settings = levelSettings({ markup, reads: template.reads, render }, level);
      known.levels.set(level, settings);
    }
    return settings;
  }

  /** Returns the levels of reasoning that lead to different prompts. */
  #levels(known: KnownTemplate): ReasoningLevel[] {
    if (known.markup === undefined) return [];
    const effects = new Set<string>();
    return REASONING_LEVELS.filter((level) => {
      const { variables, closes, isUsed } = this.#level(known, level);
      const effect = `${closes} ${this.#tryProbe(known.template, variables)}`;
      if (!isUsed || effects.has(effect)) return false;
      effects.add(effect);
      return true;
    });
  }

  #tryProbe(template: ChatTemplate, variables: JsonObject): string | undefined {
    return this.#tryRender(template, PROBE, variables);
  }

  #tryRender(template: ChatTemplate, messages: readonly ChatMessage[], variables: JsonObject): string | undefined {
    try {
      return this.#render(template, messages, { variables });
    } catch (error) {
      if (error instanceof ChatTemplateError) return undefined;
      throw error;
    }
  }

  /**
   * Compiles the model's template and tries it. A template that rejects the probe with `raise_exception` works. One
   * that fails otherwise may work with the tools or variables of a request, so it is tried again with each, unless it
   * exceeded a limit.
   */
  #probe(source: string | undefined): { template?: KnownTemplate; error: string | null } {
    if (source === undefined || source.trim() === '') return { error: null };
    let template: ChatTemplate | undefined;
    try {
      template = compileTemplate(source);
      this.#render(template, PROBE, {});
      this.#render(template, LONGER_PROBE, {});
      return { template: this.#know(source, template), error: null };
    } catch (error) {
      if (!(error instanceof ChatTemplateError)) throw error;
      if (template === undefined || error instanceof TemplateLimitError) return { error: reasonOf(error) };
      const known = this.#know(source, template);
      return { template: known, error: error instanceof TemplateRaisedError ? null : reasonOf(error) };
    }
  }

  #compileGiven(source: string): KnownTemplate {
    if (this.#given?.source !== source) this.#given = this.#know(source, compileTemplate(source));
    return this.#given;
  }

  #know(source: string, template: ChatTemplate): KnownTemplate {
    const probe = this.#tryProbe(template, {}) ?? '';
    const markup = detectMarkup({ template: `${source}\n${probe}`, special: this.#model.special });
    return { source, template, markup, levels: new Map() };
  }

  #render(template: ChatTemplate, messages: readonly ChatMessage[], options: ChatOptions): string {
    const variables: JsonObject = {
      // Templates are written for `transformers`, which sets these two to None if there are none.
      tools: options.tools === undefined ? null : [...options.tools],
      documents: null,
      add_generation_prompt: true,
      bos_token: this.#model.bosToken,
      eos_token: this.#model.eosToken,
      ...options.variables,
    };
    return renderChat(template, messages, variables, new Date(options.now ?? Date.now()));
  }
}

/**
 * Returns the beginning of the model's turn that it is to continue: its answer, or its reasoning if it has no answer
 * yet.
 */
function continued({ text, markup }: WrittenChat, message: ChatMessage): Pick<WrittenChat, 'text' | 'opening'> {
  const answer = contentText(message);
  const { reasoning_content: reasoning } = message;
  if (markup === undefined) return { text: text + answer };
  if (typeof reasoning !== 'string' || reasoning === '') {
    return { text: (answer === '' ? text : closePrompt(markup, text)) + answer };
  }
  const opening = openPrompt(markup, text);
  if (answer === '') return { text: opening + reasoning, opening };
  return { text: opening + reasoning + closingText(markup, opening) + answer };
}

/** Returns the names of the settings of reasoning that have no effect. */
function unusedReasoning(
  { maxReasoningTokens }: ChatOptions,
  markup: ReasoningMarkup | undefined,
  isLevelUsed: boolean,
): string[] {
  return [
    ...(isLevelUsed ? [] : ['settings.reasoning']),
    ...(maxReasoningTokens === undefined || markup !== undefined ? [] : ['settings.max_reasoning_tokens']),
  ];
}

function reasonOf(error: ChatTemplateError): string {
  return error.message.slice(0, MAX_REASON_CHARACTERS);
}

function templateFailed(error: ChatTemplateError): HostError {
  const reason = reasonOf(error);
  const refused = error instanceof TemplateRaisedError;
  return new HostError(
    'CHAT_TEMPLATE_FAILED',
    `The chat template could not render these messages: ${reason.replace(/\.$/, '')}. Send other roles, another \`settings.chat_template\`, or a plain \`prompt\`.`,
    { details: { reason, refused } },
  );
}
