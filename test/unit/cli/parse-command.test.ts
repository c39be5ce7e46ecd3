import { describe, expect, it } from '@jest/globals';
import { parseCommand } from '../../../host/cli/parse-command.ts';
import type { CommandSpec } from '../../../host/cli/spec.ts';

const COMMAND: CommandSpec = {
  name: 'try',
  summary: 'Try',
  args: [
    { name: 'FIRST', summary: 'the first' },
    { name: 'REST', summary: 'others', optional: true, many: true },
  ],
  options: [
    { name: 'count', short: 'n', value: 'NUMBER', summary: 'how many' },
    { name: 'colour', value: 'NAME', choices: ['red', 'green'], many: true, summary: 'which' },
    { name: 'all', short: 'a', summary: 'everything' },
  ],
  examples: [],
  actions: [],
  load: async () => ({ run: async () => 0 }),
};

const parse = (...typed: string[]) => parseCommand(COMMAND, typed);

describe('a command line', () => {
  it('is parsed according to the table', () => {
    const input = parse('one', '--count', '-3', '-a', 'two', '--colour=red', '--colour', 'Green', '--json');
    expect(input.args).toEqual(['one', 'two']);
    expect(input.number('count')).toBe(-3);
    expect(input.texts('colour')).toEqual(['red', 'green']);
    expect(input.flag('all')).toBe(true);
    expect(input.flag('json')).toBe(true);
    expect(input.flag('help')).toBe(false);
    expect(input.text('missing')).toBeUndefined();
  });

  it('may have arguments that look like options after --', () => {
    expect(parse('--', '--all').args).toEqual(['--all']);
  });

  it.each<[string[], string]>([
    [[], 'Missing argument FIRST: the first.'],
    [['one', '--cuont', '3'], 'Unknown option: --cuont. Did you mean "--count"?'],
    [['one', '--zebra'], 'Unknown option: --zebra.'],
    [['one', '-z'], 'Unknown option: -z.'],
    [['one', '--count'], '--count requires a value: --count NUMBER'],
    [['one', '--count', '--all'], '--count requires a value: --count NUMBER'],
    [['one', '--all=yes'], '--all does not take a value, but "yes" was given.'],
    [['one', '--colour', 'rod'], 'Invalid value for --colour: "rod". Expected one of red, green. Did you mean "red"?'],
  ])('%j is rejected with a reason', (typed, message) => {
    expect(() => parse(...typed)).toThrow(expect.objectContaining({ name: 'UsageError', message }));
  });

  it('reports an invalid number', () => {
    expect(() => parse('one', '--count', 'many').number('count')).toThrow(
      'Invalid value for --count: "many". Expected a number.',
    );
  });

  it('rejects an extra argument', () => {
    const single = { ...COMMAND, args: COMMAND.args.slice(0, 1) };
    expect(() => parseCommand(single, ['one', 'two'])).toThrow('Unexpected argument: "two".');
  });

  it('may request help without the required arguments', () => {
    expect(parse('--help').flag('help')).toBe(true);
  });
});
