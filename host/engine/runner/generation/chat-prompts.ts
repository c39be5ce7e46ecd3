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
import { type WrittenChat, writeChat } from './fallback-chat.ts';
import { renderChat } from './render-chat.ts';

/** What is rendered to find out whether a template works at all. */
const PROBE: readonly ChatMessage[] = [{ role: 'user', content: 'Hello' }];

/** Longest reason of the template or the interpreter that goes into an error, characters. */
const MAX_REASON_CHARACTERS = 300;

/** What a model's file says about conversations. */
export interface ChatModel {
  /** The chat template; undefined where the file has none. */
  readonly template: string | undefined;
  readonly bosToken: string;
  readonly eosToken: string;
  /** Whether the vocabulary has the tokens of ChatML. */
  readonly hasChatMl: boolean;
}

/** Writes the conversations of one model. */
export class ChatPrompts {
  readonly format: ChatFormat;
  readonly #model: ChatModel;
  readonly #template: ChatTemplate | undefined;
  /** The template of the last request that brought its own. */
  #given: { readonly source: string; readonly template: ChatTemplate } | undefined;

  constructor(model: ChatModel) {
    this.#model = model;
    const { template, error } = this.#probe(model.template);
    this.#template = template;
    const fallback = model.hasChatMl ? 'chatml' : 'transcript';
    this.format = { used: template === undefined || error !== null ? fallback : 'template', error };
  }

  /**
   * Writes a conversation, up to where the model's answer begins.
   *
   * @throws HostError `CHAT_TEMPLATE_FAILED`
   */
  write(messages: readonly ChatMessage[], options: ChatOptions = {}): WrittenChat {
    try {
      const template = options.template === undefined ? this.#template : this.#compileGiven(options.template);
      if (template === undefined) return writeChat(messages, this.#model.hasChatMl);
      return { text: this.#render(template, messages, options), stop: [] };
    } catch (error) {
      if (!(error instanceof ChatTemplateError)) throw error;
      if (options.template === undefined && this.format.error !== null) {
        return writeChat(messages, this.#model.hasChatMl);
      }
      throw templateFailed(error);
    }
  }

  /**
   * Compiles the model's template and tries it. One that refuses the probe in its own words works; one that fails may
   * work with the tools or variables of a request, so it is tried with each, unless it exceeds a limit.
   */
  #probe(source: string | undefined): { template?: ChatTemplate; error: string | null } {
    if (source === undefined || source.trim() === '') return { error: null };
    let template: ChatTemplate | undefined;
    try {
      template = compileTemplate(source);
      this.#render(template, PROBE, {});
      return { template, error: null };
    } catch (error) {
      if (!(error instanceof ChatTemplateError)) throw error;
      if (template === undefined || error instanceof TemplateLimitError) return { error: reasonOf(error) };
      return { template, error: error instanceof TemplateRaisedError ? null : reasonOf(error) };
    }
  }

  #compileGiven(source: string): ChatTemplate {
    if (this.#given?.source !== source) this.#given = { source, template: compileTemplate(source) };
    return this.#given.template;
  }

  #render(template: ChatTemplate, messages: readonly ChatMessage[], options: ChatOptions): string {
    const variables: JsonObject = {
      // Templates are written for `transformers`, which sets these two to None where there are none.
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
