import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { COMPLETIONS } from '../../../host/cli/completion/shells.ts';
import { manPage } from '../../../host/cli/man.ts';
import { optionsOf } from '../../../host/cli/spec.ts';
import { COMMANDS, commandOf } from '../../../host/cli/table.ts';
import { tooOldNode } from '../../../host/common/node-version.ts';
import { describeIfInstalled } from '../../support/describe-unless.ts';

const HOSTILE = 'a/b/$(touch hit) `touch hit`.gguf';

describe('completions', () => {
  it('exist for each shell that the command accepts', () => {
    expect(Object.keys(COMPLETIONS)).toEqual(commandOf('completion')?.args[0]?.choices);
  });

  it.each(Object.entries(COMPLETIONS))('for %s contain every command and option', (_shell, script) => {
    const text = script(COMMANDS);
    for (const command of COMMANDS) {
      expect(text).toContain(command.name);
      for (const { name } of optionsOf(command)) expect(text).toContain(name);
    }
    expect(text).toContain('GET_SYSTEM_RESOURCES');
  });

  for (const shell of ['bash', 'zsh', 'fish']) {
    describeIfInstalled(`of ${shell}`, [shell], (program) => {
      it('have valid syntax', () => {
        const folder = mkdtempSync(join(tmpdir(), 'tabagent-completion-'));
        const script = join(folder, 'script');
        writeFileSync(script, COMPLETIONS[shell]?.(COMMANDS) ?? '');
        const { status, stderr } = spawnSync(program, ['-n', script], { encoding: 'utf8' });
        rmSync(folder, { recursive: true });
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      });
    });
  }

  describeIfInstalled('of bash', ['bash'], () => {
    let folder: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'tabagent-bash-'));
      writeFileSync(join(folder, 'script'), COMPLETIONS.bash?.(COMMANDS) ?? '');
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    /** Returns bash's completions for the last of these words, with a `tabagent` that lists these models. */
    function offered(words: string[], models: string[] = []): string[] {
      const program = `tabagent() { printf '%s\\n' "$@" > asked; cat models; }
        source ./script
        COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); _tabagent; printf '%s\\n' "\${COMPREPLY[@]}"`;
      writeFileSync(join(folder, 'models'), models.map((model) => `${model}\n`).join(''));
      const text = execFileSync('bash', ['-c', program, 'bash', 'tabagent', ...words], {
        cwd: folder,
        encoding: 'utf8',
      });
      return text.split('\n').filter(Boolean);
    }

    it('offer actions in any case', () => {
      expect(offered(['call', 'pi'])).toEqual(['PING', 'PIN_MODEL']);
      expect(offered(['call', 'GET_SYSTEM_R'])).toEqual(['GET_SYSTEM_RESOURCES']);
    });

    it('offer commands, options, choices and models', () => {
      expect(offered(['pu'])).toEqual(['pull']);
      expect(offered(['pull', '--rev'])).toEqual(['--revision']);
      expect(offered(['install', '--browser', 'chrom'])).toEqual(['chrome', 'chromium', 'chrome-for-testing']);
      expect(offered(['completion', 'f'])).toEqual(['fish']);
      expect(offered(['call', 'RECOMMEND_S'])).toEqual(['RECOMMEND_SPLIT']);
      expect(offered(['rm', 'a/'], ['a/b/one.gguf', 'c/d/two.gguf'])).toEqual(['a/b/one.gguf']);
    });

    it("do not execute code in a model's name", () => {
      const [word = ''] = offered(['rm', 'a/'], [HOSTILE]);
      expect(execFileSync('bash', ['-c', `printf %s ${word}`], { cwd: folder, encoding: 'utf8' })).toBe(HOSTILE);
      expect(readdirSync(folder)).not.toContain('hit');
    });
  });
});

describe('the manual page', () => {
  it('describes every command and option, and the exit codes', () => {
    const page = manPage(COMMANDS).replaceAll('\\-', '-');
    for (const command of COMMANDS) {
      expect(page).toContain(`.SS tabagent ${command.name}`);
      for (const { name } of optionsOf(command)) expect(page).toContain(`--${name}`);
    }
    expect(page).toContain('.SH EXIT STATUS');
  });

  describeIfInstalled('with groff', ['groff'], (groff) => {
    it('is valid roff', () => {
      const { stderr } = spawnSync(groff, ['-man', '-Tascii', '-ww'], { input: manPage(COMMANDS), encoding: 'utf8' });
      expect(stderr).toBe('');
    });
  });
});

describe('an old version of Node.js', () => {
  it.each([
    ['20.18.1', true],
    ['22.18.0', true],
    ['22.19.0', false],
    ['24.0.0', false],
  ])('%s is rejected: %s', (version, refused) => {
    expect(tooOldNode(version) !== undefined).toBe(refused);
  });
});
