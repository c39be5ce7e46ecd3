import type { JsonObject, JsonValue } from '../common/json.ts';
import { endsClosed, type ReasoningMarkup } from './formats.ts';

/** How much a model reasons. `auto` leaves that to the chat template. */
export type ReasoningLevel = 'auto' | 'off' | 'low' | 'medium' | 'high';

/** The levels that a request can ask for. */
export const REASONING_LEVELS = ['off', 'low', 'medium', 'high'] as const satisfies readonly ReasoningLevel[];

/** Variables by which templates switch reasoning on and off, with both values. */
const SWITCHES: Readonly<Record<string, { readonly on: JsonValue; readonly off: JsonValue }>> = {
  enable_thinking: { on: true, off: false },
  thinking: { on: true, off: false },
  reasoning: { on: true, off: false },
  enable_reasoning: { on: true, off: false },
  thinking_mode: { on: 'enabled', off: 'disabled' },
};

/** The variable for the effort, and its values for each level, best first. Templates refuse values they do not know. */
const EFFORT = 'reasoning_effort';
const EFFORT_VALUES: Readonly<Record<Exclude<ReasoningLevel, 'auto'>, readonly string[]>> = {
  off: ['none', 'no_think', 'minimal', 'low'],
  low: ['low', 'minimal'],
  medium: ['medium', 'high', 'low'],
  high: ['high', 'max'],
};

/** The variable for the maximum number of reasoning tokens, and its values. The smallest is one Seed-OSS was trained with. */
const BUDGET = 'thinking_budget';
const BUDGET_VALUES = { off: 0, low: 512, medium: 4_096, high: 16_384 } as const;

/** How a level is passed to a template. */
export interface LevelSettings {
  readonly variables: JsonObject;
  /** Whether the prompt needs an empty block of reasoning at its end. */
  readonly closes: boolean;
  /** Whether the level has an effect. */
  readonly isUsed: boolean;
}

/** The facts about a template on which levels depend. */
export interface ReasoningTemplate {
  readonly markup: ReasoningMarkup | undefined;
  /** Names of the variables that the template reads. */
  readonly reads: ReadonlySet<string>;
  /** Renders a short conversation; undefined if the template refuses the variables. */
  render(variables: JsonObject): string | undefined;
}

/** Determines how a level of reasoning is passed to a template, by trying the variables that it reads. */
export function levelSettings(template: ReasoningTemplate, level: ReasoningLevel): LevelSettings {
  if (level === 'auto') return { variables: {}, closes: false, isUsed: true };
  return level === 'off' ? offSettings(template) : onSettings(template, level);
}

/** Returns the variables for a limit on reasoning tokens; none if the template does not read one. */
export function budgetVariables(reads: ReadonlySet<string>, tokens: number | undefined): JsonObject {
  return tokens === undefined || !reads.has(BUDGET) ? {} : { [BUDGET]: tokens };
}

function onSettings(template: ReasoningTemplate, level: 'low' | 'medium' | 'high'): LevelSettings {
  const switches = switchVariables(template.reads, 'on');
  const budget = budgetVariables(template.reads, BUDGET_VALUES[level]);
  const base = { ...switches, ...budget };
  const variables = [...effortVariables(template.reads, level), {}]
    .map((effort) => ({ ...base, ...effort }))
    .find((candidate) => template.render(candidate) !== undefined);
  if (variables === undefined) return { variables: {}, closes: false, isUsed: false };
  // A switch that is already on counts as used: the model reasons, as the level requires.
  const isUsed = Object.keys(variables).some((name) => name !== EFFORT) || hasEfforts(template);
  return { variables, closes: false, isUsed };
}

/** Returns whether the template renders different prompts for different efforts. */
function hasEfforts({ reads, render }: ReasoningTemplate): boolean {
  const values = new Set(Object.values(EFFORT_VALUES).flat());
  return reads.has(EFFORT) && new Set([...values].map((value) => render({ [EFFORT]: value }))).size > 1;
}

function offSettings(template: ReasoningTemplate): LevelSettings {
  const { markup, reads } = template;
  const switches = switchVariables(reads, 'off');
  const base = { ...switches, ...budgetVariables(reads, BUDGET_VALUES.off) };
  const efforts = effortVariables(reads, 'off');
  const accepted = [{}, ...efforts]
    .map((effort) => ({ ...base, ...effort }))
    .map((variables) => ({ variables, prompt: template.render(variables) }))
    .filter((candidate): candidate is { variables: JsonObject; prompt: string } => candidate.prompt !== undefined);
  const closed = markup && accepted.find(({ prompt }) => endsOff(markup, prompt));
  if (closed !== undefined) return { variables: closed.variables, closes: false, isUsed: true };
  const switched = accepted.find(({ variables }) => Object.keys(variables).some((name) => name !== EFFORT));
  if (switched !== undefined && switched.prompt !== template.render(switchVariables(reads, 'on'))) {
    return { variables: switched.variables, closes: false, isUsed: true };
  }
  // A model that never reasons needs no change for `off`.
  if (markup === undefined) return { variables: base, closes: false, isUsed: true };
  const variables = accepted.at(-1)?.variables ?? {};
  return { variables, closes: true, isUsed: true };
}

/** Returns whether a prompt tells the model to answer without reasoning. */
function endsOff(markup: ReasoningMarkup, prompt: string): boolean {
  const { channels } = markup;
  if (channels === undefined) return endsClosed(markup, prompt);
  // An empty reasoning message, and the beginning of the next one.
  const [reasoning] = [...channels.bodies].find(([, kind]) => kind === 'reasoning') ?? [];
  return reasoning !== undefined && channels.ends.some((end) => prompt.includes(`${reasoning}${end}`));
}

function switchVariables(reads: ReadonlySet<string>, side: 'on' | 'off'): JsonObject {
  return Object.fromEntries(
    Object.entries(SWITCHES)
      .filter(([name]) => reads.has(name))
      .map(([name, values]) => [name, values[side]]),
  );
}

function effortVariables(reads: ReadonlySet<string>, level: Exclude<ReasoningLevel, 'auto'>): JsonObject[] {
  return reads.has(EFFORT) ? EFFORT_VALUES[level].map((value) => ({ [EFFORT]: value })) : [];
}
