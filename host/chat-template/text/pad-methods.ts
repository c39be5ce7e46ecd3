import { TemplateRuntimeError } from '../errors.ts';
import type { CallArguments } from '../values/call-arguments.ts';
import type { Runtime } from '../values/value.ts';
import { expectInteger, expectText, type StringMethod } from './arguments.ts';
import { characterCount } from './code-points.ts';

/** The side on which the text is placed in the new width. */
type Alignment = 'left' | 'right' | 'center';

/** Pads a text to a width in code points. */
export function pad(runtime: Runtime, text: string, width: number, alignment: Alignment, fill = ' '): string {
  const missing = width - characterCount(text);
  if (missing <= 0) return text;
  runtime.budget.charge(missing * fill.length + text.length);
  // Like `str.center`, which puts an odd fill character on the left if the width is odd.
  const before = Math.floor(missing / 2) + (missing & width & 1);
  const left = alignment === 'left' ? 0 : alignment === 'right' ? missing : before;
  return fill.repeat(left) + text + fill.repeat(missing - left);
}

function padding(name: string, alignment: Alignment): StringMethod {
  return (runtime, text, args) => {
    const [width, fill = ' '] = args.bind(name, ['width', 'fillchar'], 1);
    const character = expectText(name, fill);
    if (characterCount(character) !== 1) {
      throw new TemplateRuntimeError('TypeError', 'The fill character must be exactly one character long');
    }
    return pad(runtime, text, expectInteger(name, width), alignment, character);
  };
}

function zeroFill(runtime: Runtime, text: string, args: CallArguments): string {
  const [width] = args.bind('zfill', ['width'], 1);
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  return sign + pad(runtime, text.slice(sign.length), expectInteger('zfill', width) - sign.length, 'right', '0');
}

function expandTabs(runtime: Runtime, text: string, args: CallArguments): string {
  const [size = 8] = args.bind('expandtabs', ['tabsize']);
  const width = Math.max(0, expectInteger('expandtabs', size));
  runtime.budget.charge(text.length + (text.split('\t').length - 1) * width);
  let column = 0;
  return Array.from(text, (character) => {
    if (character === '\t') {
      const spaces = width === 0 ? 0 : width - (column % width);
      column += spaces;
      return ' '.repeat(spaces);
    }
    column = character === '\n' || character === '\r' ? 0 : column + 1;
    return character;
  }).join('');
}

/** String methods that pad. */
export const padMethods = {
  ljust: padding('ljust', 'left'),
  rjust: padding('rjust', 'right'),
  center: padding('center', 'center'),
  zfill: zeroFill,
  expandtabs: expandTabs,
} satisfies Record<string, StringMethod>;
