import { choice, type Expression, maybe, sequence, text } from '../../../grammar/expression.ts';
import type { ChatOptions, ToolChoice } from '../../../models/generation.ts';
import type { ReasoningMarkup } from '../../../reasoning/formats.ts';
import { type CallFormat, callLanguage, following } from '../../../tools/call-format.ts';
import { type CallConstraint, CallReader } from '../../../tools/call-reader.ts';
import { readFunctions } from '../../../tools/tool-function.ts';
import type { Token } from '../binding-types.ts';
import { checked } from './constraint.ts';
import type { Marker, MarkerTokens } from './marker-tokens.ts';

/** What is needed to separate calls of tools from one answer. */
export interface PromptCalls {
  readonly reader: CallReader;
  /** Control tokens of the format. */
  readonly markers: ReadonlyMap<Token, Marker>;
  /** What the model may write first if it has to call and may reason before. */
  readonly startConstraint: CallConstraint | undefined;
  /** What a header may be if the model has to call: of the first message, and of further ones. */
  readonly firstHeaderConstraint: CallConstraint | undefined;
  readonly headerConstraint: CallConstraint | undefined;
  /** Whether no more calls are wanted. */
  isOver(calls: number): boolean;
  /** The language of an answer that is a call: an alternative for answers that are constrained to something else. */
  readonly whole: Expression;
  /** Fields of the request that are not enforced. */
  readonly ignored: readonly string[];
}

/** How an answer may begin with reasoning. */
interface ReasoningStart {
  readonly markup: ReasoningMarkup | undefined;
  /** Whether the model may begin with reasoning, which the prompt has not begun. */
  readonly mayBegin: boolean;
}

/**
 * Prepares to separate calls from an answer; undefined if the request has no tools and the format need not be read.
 *
 * @throws HostError `INVALID_REQUEST` for a function with a strict schema that cannot be enforced.
 */
export function promptCalls(
  format: CallFormat | undefined,
  { tools = [], toolChoice = 'auto', parallelToolCalls: isParallel = true }: ChatOptions,
  { markup, mayBegin }: ReasoningStart,
  vocabulary: MarkerTokens,
): PromptCalls | undefined {
  if (format === undefined || (tools.length === 0 && format.isOpened !== true)) return undefined;
  const { functions, others } = readFunctions(tools);
  const callable = functions.filter(({ name }) => typeof toolChoice === 'string' || name === toolChoice.name);
  const language = checked(() => callLanguage(format, callable), 'tools');
  const channels = markup?.channels;
  const isForced = isRequired(toolChoice) && callable.length > 0;
  const reader = new CallReader({ language, isParallel, isForced: isForced && channels === undefined });
  const whole = sequence(language.open, language.call, following(language, isParallel));
  const [tag] = markup?.tags ?? [];
  const forced = reader.constraint?.expression;
  const canThink = isForced && tag !== undefined && mayBegin && vocabulary.texts.has(tag.open) && forced !== undefined;
  const header = channels && isForced ? sequence(maybe(text(' ')), whole) : undefined;
  return {
    reader,
    markers: new Map(
      [...vocabulary.among([...format.triggers, ...format.markers])].filter(([, marker]) => marker.isControl),
    ),
    startConstraint: canThink ? { expression: choice(text(tag.open), forced) } : undefined,
    firstHeaderConstraint: header && channels && { expression: choice(text(channels.onlyReasoning), header) },
    headerConstraint: header && channels && { expression: sequence(text(`${channels.start}assistant`), header) },
    // A request that names one function wants one call of it.
    isOver: (calls) => calls > 0 && (!isParallel || typeof toolChoice !== 'string') && !reader.isInCall,
    whole,
    ignored: [...others, ...language.ignored],
  };
}

function isRequired(choice: ToolChoice): boolean {
  return choice !== 'auto';
}
