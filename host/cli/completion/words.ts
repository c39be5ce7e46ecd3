import { ACTIONS } from '../../protocol/actions/index.ts';
import type { ArgumentSpec, CommandSpec } from '../spec.ts';

/** The words an argument may be that are known beforehand: all are of letters, digits, `-` and `_`. */
export function wordsFor(arg: ArgumentSpec, commands: readonly CommandSpec[]): readonly string[] {
  if (arg.choices !== undefined) return arg.choices;
  if (arg.completes === 'action') return [...ACTIONS.keys()];
  return arg.completes === 'command' ? commands.map(({ name }) => name) : [];
}
