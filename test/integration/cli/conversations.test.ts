import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { runCommand } from '../../support/cli/run-command.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';

let fixture: HostFixture;
beforeEach(async () => {
  fixture = await HostFixture.open();
});
afterEach(() => fixture.close());

const home = (name: string) => join(fixture.home, name);

function tabagent(where: string, typed: string[], input?: string) {
  const options = { home: fixture.home, env: { TABAGENT_HOME: home(where) } };
  return runCommand(['chat', ...typed], input === undefined ? options : { ...options, input });
}

/** Rows of one conversation, with more text than fits in one frame. */
function rows(count: number): object[] {
  const said = `${'"\n'.repeat(40_000)}, ünd 🦆`;
  return [
    { type: 'conversation', id: 'long', user_id: 'default', title: 'Long', created_at: 1, updated_at: 1 },
    ...Array.from({ length: count }, (_, i) => ({
      type: 'message',
      id: `m${i}`,
      conversation_id: 'long',
      role: 'user',
      content: `${i} ${said}`,
      created_at: i,
    })),
  ];
}

const lines = (all: readonly object[]) => all.map((row) => `${JSON.stringify(row)}\n`).join('');

describe('tabagent chat export and import', () => {
  it('import all conversations of an exported file, once for any number of imports', async () => {
    expect(await tabagent('one', ['import', '-'], `\uFEFF${lines(rows(30))}\r\n`)).toMatchObject({
      code: 0,
      stdout: 'Imported 1 conversation and 30 messages.\n',
    });
    const file = home('chats.jsonl');
    const written = await tabagent('one', ['export', file]);
    expect(written).toMatchObject({ code: 0, stdout: `Exported 1 conversation and 30 messages to ${file}.\n` });
    // Windows has no such permission bits.
    if (process.platform !== 'win32') expect(statSync(file).mode & 0o077).toBe(0);
    expect(await tabagent('two', ['import', file])).toMatchObject({ code: 0 });
    expect(JSON.parse((await tabagent('two', ['import', file, '--json'])).stdout)).toEqual({
      conversations: 0,
      messages: 0,
      skipped: 31,
      refused: [],
    });
    expect((await tabagent('two', ['export'])).stdout).toBe(readFileSync(file, 'utf8'));
    const contents = readFileSync(file, 'utf8').trim().split('\n').slice(1);
    expect(contents.map((line) => JSON.parse(line).content)).toEqual(
      rows(30)
        .slice(1)
        .map((row) => (row as { content: string }).content),
    );
  }, 30_000);

  it('report messages that are not imported because their IDs are taken', async () => {
    await tabagent('one', ['import', '-'], lines(rows(2)));
    const others = [{ type: 'conversation', id: 'other', title: 'Other', updated_at: 1 }, ...rows(3).slice(1)].map(
      (row) => ({
        ...row,
        conversation_id: 'other',
      }),
    );
    const ran = await tabagent('one', ['import', '-'], lines(others));
    expect(ran).toMatchObject({ code: 1, stderr: '' });
    expect(ran.stdout).toBe(
      'Imported 1 conversation and 1 message. 2 messages were not imported because messages of other conversations have their IDs: m0, m1.\n',
    );
    expect(JSON.parse((await tabagent('one', ['import', '-', '--json'], lines(others))).stdout)).toEqual({
      conversations: 0,
      messages: 0,
      skipped: 2,
      refused: ['m0', 'm1'].map((id) => ({ id, conversation_id: 'other' })),
    });
  });

  it('report the invalid line, and import nothing of its file', async () => {
    const [conversation, message] = rows(1) as [object, object];
    const wrong = [
      ['not JSON', 'Invalid line 3 in stdin: expected a JSON object'],
      ['[1]', 'Invalid line 3 in stdin: expected a JSON object'],
      [JSON.stringify({ ...message, content: 3 }), 'Line 3 of stdin: Expected `rows.2.content`'],
      [JSON.stringify({ ...message, role: 'no role' }), 'Line 3 of stdin: Expected `rows.2.role`'],
      [`"${'x'.repeat(1_100_000)}`, 'Invalid line 3 in stdin: expected at most 1048576 characters'],
    ] as const;
    for (const [line, said] of wrong) {
      const ran = await tabagent('one', ['import', '-'], `${lines([conversation, message])}${line}\n`);
      expect(ran.stderr).toContain(said);
      expect(ran).toMatchObject({ code: 2, stdout: '' });
    }
    expect((await tabagent('one', ['export'])).stdout).toBe('');
  }, 30_000);

  it('leave no partial file if a file cannot be written, and name it', async () => {
    await tabagent('one', ['import', '-'], lines(rows(1)));
    const file = home('chats.jsonl');
    writeFileSync(join(fixture.home, 'file'), '');
    for (const where of [
      fixture.home,
      join(fixture.home, 'file', 'below'),
      join(fixture.home, 'nowhere', 'chats.jsonl'),
    ]) {
      const ran = await tabagent('one', ['export', where]);
      expect(ran).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(where) });
    }
    expect(existsSync(file)).toBe(false);
    expect(readdirSync(fixture.home).filter((name) => name.includes('chats'))).toEqual([]);
    expect(await tabagent('one', ['import', home('missing.jsonl')])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('ENOENT'),
    });
    expect(await tabagent('one', ['import'])).toMatchObject({ code: 2 });
    expect(await tabagent('one', ['exprot'])).toMatchObject({ code: 2 });
  });
});
