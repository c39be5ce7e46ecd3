import { HostError, messageOf } from '../../../common/errors.ts';
import type { Constraint } from '../../../models/generation.ts';
import type { CallConstraint } from '../../../tools/call-reader.ts';
import type { GrammarState } from '../binding-types.ts';
import { constrain, expressionState, type GrammarParts } from './constraint.ts';
import type { Output } from './output.ts';
import type { PromptCalls } from './tool-calls.ts';

/** What one answer is constrained to: a schema or grammar, and calls of tools once they begin. */
export class AnswerGrammar {
  /** Fields of the request that are not enforced. */
  readonly ignored: readonly string[];
  readonly #parts: GrammarParts;
  /** What the whole answer is constrained to. */
  readonly #answer: GrammarState | undefined;
  #call: { readonly constraint: CallConstraint; readonly state: GrammarState } | undefined;

  private constructor(parts: GrammarParts, answer: GrammarState | undefined, ignored: readonly string[]) {
    this.#parts = parts;
    this.#answer = answer;
    this.ignored = ignored;
  }

  /** @throws HostError `INVALID_REQUEST` naming the field, for a schema or grammar that cannot be used. */
  static async make(
    constraint: Constraint | undefined,
    calls: PromptCalls | undefined,
    parts: GrammarParts,
  ): Promise<AnswerGrammar> {
    const answer = constraint && (await constrain(constraint, parts, calls?.whole));
    return new AnswerGrammar(parts, answer?.state, [...(answer?.ignored ?? []), ...(calls?.ignored ?? [])]);
  }

  /** Whether the answer is, or may become, constrained. */
  isNeeded(output: Output): boolean {
    return this.#answer !== undefined || output.mayCall;
  }

  /** Prepares for the next token. */
  async follow(output: Output): Promise<void> {
    const constraint = output.callConstraint;
    if (constraint === this.#call?.constraint) return;
    this.#call = constraint && {
      constraint,
      state: await expressionState(constraint.expression, 'tools', this.#parts).catch(callFailed),
    };
  }

  /** What the next token is constrained to. */
  stateFor(output: Output): GrammarState | undefined {
    if (this.#call !== undefined) return this.#call.state;
    // Reasoning is free; the answer is what was asked for.
    return output.isAnswering && !output.hasCall ? this.#answer : undefined;
  }
}

/** The grammar was made from the request's tools, which have been read before. */
function callFailed(error: unknown): never {
  throw new HostError('INVALID_REQUEST', 'Expected `tools` to have schemas from which a grammar can be made.', {
    details: { field: 'tools', reason: messageOf(error) },
  });
}
