import { describe, expect, it } from '@jest/globals';
import { helpOf, overview, usageOf } from '../../../host/cli/help.ts';
import { parseCommand } from '../../../host/cli/parse-command.ts';
import { SETTING_NAMES } from '../../../host/cli/setting-names.ts';
import { optionsOf } from '../../../host/cli/spec.ts';
import { COMMANDS, commandOf } from '../../../host/cli/table.ts';
import { ACTIONS } from '../../../host/protocol/actions/index.ts';

describe('the table of commands', () => {
  it('has unique names and options', () => {
    const names = COMMANDS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const command of COMMANDS) {
      const options = optionsOf(command).flatMap(({ name, short }) => (short === undefined ? [name] : [name, short]));
      expect(new Set(options).size).toBe(options.length);
    }
  });

  it('finds a command only by its exact name', () => {
    expect(commandOf('pull')?.name).toBe('pull');
    expect(commandOf('constructor')).toBeUndefined();
  });

  it('describes every setting in the help of "set"', () => {
    const words = commandOf('set')?.details?.split(/[\s,]+/) ?? [];
    expect(SETTING_NAMES.filter((name) => !words.includes(name))).toEqual([]);
  });

  it('documents once which options can be repeated, and shows it for arguments in the usage', () => {
    const help = COMMANDS.map(helpOf).join('');
    expect(help).toMatch(/--allow-origin ORIGIN .*; may be repeated\n/);
    expect(help).not.toMatch(/repeated.*repeated/);
    expect(help).not.toMatch(/^ {2}WORDS .*repeated/m);
    expect(help).toContain('tabagent search WORDS …');
  });

  describe.each(COMMANDS.map((command) => [command.name, command] as const))('%s', (_name, command) => {
    it('has a program, and uses existing actions', async () => {
      expect(typeof (await command.load()).run).toBe('function');
      for (const action of command.actions) expect([...ACTIONS.keys()]).toContain(action);
    });

    it('has valid examples', () => {
      expect(command.examples.length).toBeGreaterThan(0);
      for (const { command: typed } of command.examples) {
        const plain = /tabagent [^|>)]*/.exec(typed)?.[0] ?? '';
        const words = [...plain.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
          ([, one, two, word]) => one ?? two ?? word ?? '',
        );
        const start = words.indexOf('tabagent');
        expect(words[start + 1]).toBe(command.name);
        parseCommand(command, words.slice(start + 2));
      }
    });

    it('repeats only its last argument, and has no required argument after an optional one', () => {
      expect(command.args.slice(0, -1).some(({ many }) => many)).toBe(false);
      const optional = command.args.map((arg) => arg.optional === true);
      expect([...optional].sort()).toEqual(optional);
    });

    it('has help with all arguments and options that fits the width of a terminal', () => {
      const help = helpOf(command);
      expect(help).toContain(usageOf(command));
      for (const { name } of optionsOf(command)) expect(help).toContain(`--${name}`);
      for (const { command: typed } of command.examples) expect(help).toContain(typed);
      expect(overview(COMMANDS)).toContain(command.summary);
    });
  });
});
