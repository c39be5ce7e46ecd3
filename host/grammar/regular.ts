import { ALL_RANGES, common, type Range } from './code-points.ts';
import { deriveBy, isNullable } from './derive.ts';
import {
  and,
  choice,
  EMPTY,
  type Expression,
  isNothing,
  NOTHING,
  not,
  oneOf,
  type Rule,
  ref,
  sequence,
} from './expression.ts';

/** Maximum number of states of an automaton. Published schemas need about 100; each state is a rule of the grammar. */
const MAX_STATES = 2_000;

/** Maximum number of transitions of an automaton. */
const MAX_TRANSITIONS = 20_000;

/**
 * Maximum length of a state's key, in UTF-16 code units: derivatives of nested repetitions can grow without bound.
 */
const MAX_STATE_CHARACTERS = 20_000;

/** Maximum total length of the keys that are computed for one automaton: about two seconds of work. */
const MAX_WORK_CHARACTERS = 10_000_000;

/** The automaton of a regular language would exceed a limit. */
export class LanguageTooLargeError extends Error {
  override readonly name = 'LanguageTooLargeError';

  constructor() {
    super('it needs too many states');
  }
}

interface State {
  readonly expression: Expression;
  readonly accepts: boolean;
  readonly transitions: Map<string, Range[]>;
}

/**
 * Converts a regular language that may contain `and` and `not` to rules.
 *
 * @param encode Returns the notation of the characters in ranges. Default: the characters themselves.
 * @throws LanguageTooLargeError
 */
export function regularRules(
  language: Expression,
  encode: (ranges: readonly Range[]) => Expression = (ranges) => oneOf(...ranges),
): Expression {
  const states = automaton(language);
  const live = liveStates(states);
  const rules = new Map<string, Rule>();
  for (const key of live) rules.set(key, { name: 'state', body: NOTHING });
  for (const [key, rule] of rules) {
    const state = states.get(key);
    const options = [...(state?.transitions ?? [])].flatMap(([target, ranges]) => {
      const next = rules.get(target);
      return next === undefined ? [] : [sequence(encode(ranges), ref(next))];
    });
    rule.body = choice(...options, ...(state?.accepts === true ? [EMPTY] : []));
  }
  const start = rules.get(keyOf(language));
  return start === undefined ? NOTHING : ref(start);
}

function automaton(language: Expression): Map<string, State> {
  if (!isWorkShared) work = 0;
  const states = new Map<string, State>();
  const pending = [language];
  let transitionCount = 0;
  for (let expression = pending.pop(); expression !== undefined; expression = pending.pop()) {
    const key = keyOf(expression);
    if (states.has(key)) continue;
    const transitions = new Map<string, Range[]>();
    states.set(key, {
      expression,
      accepts: isNullable(expression),
      transitions,
    });
    for (const range of partition(expression)) {
      const target = withoutRepeats(deriveBy(expression, range[0]));
      if (isNothing(target)) continue;
      const targetKey = keyOf(target);
      const ranges = transitions.get(targetKey);
      if (ranges !== undefined) {
        ranges.push(range);
        continue;
      }
      transitions.set(targetKey, [range]);
      pending.push(target);
      transitionCount += 1;
    }
    if (states.size > MAX_STATES || transitionCount > MAX_TRANSITIONS) throw new LanguageTooLargeError();
  }
  return states;
}

/** Returns the keys of the states from which an accepting state can be reached. */
function liveStates(states: ReadonlyMap<string, State>): Set<string> {
  const sources = new Map<string, string[]>();
  for (const [key, { transitions }] of states) {
    for (const target of transitions.keys()) {
      const list = sources.get(target);
      if (list === undefined) sources.set(target, [key]);
      else list.push(key);
    }
  }
  const live = new Set<string>();
  const pending = [...states].filter(([, state]) => state.accepts).map(([key]) => key);
  for (let key = pending.pop(); key !== undefined; key = pending.pop()) {
    if (live.has(key)) continue;
    live.add(key);
    pending.push(...(sources.get(key) ?? []));
  }
  return live;
}

/** Partitions all characters into ranges. The characters of a range have the same derivative. */
function partition(expression: Expression): Range[] {
  const cuts = new Set<number>();
  addCuts(expression, cuts);
  const sorted = [...cuts].sort((a, b) => a - b);
  const ranges: Range[] = [];
  let first = 0;
  for (const cut of [...sorted, 0x110000]) {
    if (cut > first) ranges.push(...common([[first, cut - 1]], ALL_RANGES));
    first = cut;
  }
  return ranges;
}

function addCuts(expression: Expression, cuts: Set<number>): void {
  switch (expression.kind) {
    case 'text': {
      const code = expression.text.codePointAt(0);
      if (code !== undefined) cuts.add(code).add(code + 1);
      return;
    }
    case 'class':
      for (const [first, last] of expression.ranges) cuts.add(first).add(last + 1);
      return;
    case 'sequence':
      for (const part of expression.parts) {
        addCuts(part, cuts);
        if (!isNullable(part)) return;
      }
      return;
    case 'choice':
      for (const option of expression.options) addCuts(option, cuts);
      return;
    case 'and':
      for (const part of expression.parts) addCuts(part, cuts);
      return;
    case 'repeat':
    case 'not':
      addCuts(expression.part, cuts);
      return;
    case 'rule':
      addCuts(expression.rule.body, cuts);
  }
}

const ruleNumbers = new WeakMap<Rule, number>();
let ruleCount = 0;
const keys = new WeakMap<Expression, string>();
/** Total length of the keys computed so far, compared with {@link MAX_WORK_CHARACTERS}. */
let work = 0;
let isWorkShared = false;

/** Runs a function that builds several automata, with one limit on the total work. */
export function withSharedLimit<T>(run: () => T): T {
  if (isWorkShared) return run();
  work = 0;
  isWorkShared = true;
  try {
    return run();
  } finally {
    isWorkShared = false;
  }
}

/** Returns a key that is equal for expressions that differ only in the order and repetition of options. */
function keyOf(expression: Expression): string {
  let key = keys.get(expression);
  if (key === undefined) {
    key = describe(expression);
    work += key.length;
    if (key.length > MAX_STATE_CHARACTERS || work > MAX_WORK_CHARACTERS) throw new LanguageTooLargeError();
    keys.set(expression, key);
  }
  return key;
}

function describe(expression: Expression): string {
  switch (expression.kind) {
    case 'text':
      return JSON.stringify(expression.text);
    case 'class':
      return `[${expression.ranges.map(([first, last]) => `${first.toString(36)}-${last.toString(36)}`).join()}]`;
    case 'sequence':
      return `(${expression.parts.map(keyOf).join(' ')})`;
    case 'choice':
      return `(${[...new Set(expression.options.map(keyOf))].sort().join('|')})`;
    case 'and':
      return `(${[...new Set(expression.parts.map(keyOf))].sort().join('&')})`;
    case 'repeat':
      return `${keyOf(expression.part)}{${expression.min},${expression.max ?? ''}}`;
    case 'not':
      return `!${keyOf(expression.part)}`;
    case 'rule': {
      let number = ruleNumbers.get(expression.rule);
      if (number === undefined) {
        number = ruleCount++;
        ruleNumbers.set(expression.rule, number);
      }
      return `#${number}`;
    }
  }
}

/** Returns the same language without duplicate options, whose number would double with every character. */
function withoutRepeats(expression: Expression): Expression {
  switch (expression.kind) {
    case 'choice': {
      const options = new Map(expression.options.map(withoutRepeats).map((option) => [keyOf(option), option]));
      return choice(...options.values());
    }
    case 'sequence':
      return sequence(...expression.parts.map(withoutRepeats));
    case 'and': {
      const parts = new Map(expression.parts.map(withoutRepeats).map((part) => [keyOf(part), part]));
      return and(...parts.values());
    }
    case 'not':
      return not(withoutRepeats(expression.part));
    default:
      return expression;
  }
}
