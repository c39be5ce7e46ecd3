import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import nativeMessaging from 'chrome-native-messaging';

const NOISY = fileURLToPath(new URL('./fixtures/noisy-host.ts', import.meta.url));
const FILLING = fileURLToPath(new URL('./fixtures/filling-host.ts', import.meta.url));
const posixOnly = process.platform === 'win32' ? it.skip : it;

const readFrames = (stream: Readable) => stream.pipe(new nativeMessaging.Input()).toArray();

/** Waits until the stream contains `words`. */
async function said(stream: Readable, words: string): Promise<void> {
  let heard = '';
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    heard += chunk;
    if (heard.includes(words)) return;
  }
  throw new Error(`The program exited without printing "${words}". Its output: ${heard}`);
}

const exitOf = (child: ChildProcess) => once(child, 'exit').then(([code]) => code);

describe('takeOverStdio', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tabagent-stdio-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('allows only frames on stdout, whatever is printed and how', async () => {
    const child = spawn(process.execPath, [NOISY], { stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdin.end();
    const [frames, noise, code] = await Promise.all([readFrames(child.stdout), text(child.stderr), exitOf(child)]);
    expect({ frames, code }).toEqual({ frames: [{ n: 1 }, { n: 2 }], code: 0 });
    const source = await text(createReadStream(NOISY));
    const ways = source.match(/(?<=NOISE )[\w. ]+(?=['\\])/g) ?? [];
    expect(ways.length).toBeGreaterThan(10);
    for (const way of ways) expect(noise).toContain(way);
  });

  posixOnly('does so on a pipe of the shell, where streams are no sockets', async () => {
    const child = spawn('sh', ['-c', '"$0" "$1" | cat', process.execPath, NOISY], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    child.stdin.end();
    expect(await readFrames(child.stdout)).toEqual([{ n: 1 }, { n: 2 }]);
  });

  posixOnly('drops text when stdout and stderr are one pipe', async () => {
    const command = '"$0" --no-warnings "$1" 2>&1 | cat';
    const child = spawn('sh', ['-c', command, process.execPath, NOISY], { stdio: ['pipe', 'pipe', 'ignore'] });
    child.stdin.end();
    const output = Buffer.concat(await child.stdout.toArray()).toString();
    // Output that the runtime writes directly to the descriptor (`_rawDebug`) cannot be redirected. The program's text
    // is not in it.
    expect(output.replaceAll('NOISE process._rawDebug\n', '')).not.toContain('NOISE');
  });

  it('writes frames to a file', async () => {
    const path = join(folder, 'frames');
    const file = await open(path, 'w');
    const child = spawn(process.execPath, [NOISY], { stdio: ['pipe', file.fd, 'ignore'] });
    child.stdin?.end();
    expect(await exitOf(child)).toBe(0);
    await file.close();
    expect(await readFrames(createReadStream(path))).toEqual([{ n: 1 }, { n: 2 }]);
  });

  const ways: [string, string, string[], (title: string, body: () => Promise<void>) => void][] = [
    ['a socket', process.execPath, [FILLING], it],
    ['a pipe', 'sh', ['-c', '"$0" "$1" | cat', process.execPath, FILLING], posixOnly],
  ];
  for (const [kind, command, args, test] of ways) {
    test(`is not blocked by a reader that does not read ${kind}`, () => neverReads(command, args));
  }

  async function neverReads(command: string, args: string[]): Promise<void> {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    await said(child.stderr, 'running with bytes queued');
    const [frames] = await Promise.all([readFrames(child.stdout), said(child.stderr, 'drained'), exitOf(child)]);
    expect(frames.map(({ n }) => n)).toEqual(Array.from({ length: 64 }, (_, n) => n));
  }

  it('exits when the reader has closed the pipe, and reports it', async () => {
    const child = spawn(process.execPath, [FILLING], { stdio: ['ignore', 'pipe', 'pipe'] });
    const broken = said(child.stderr, 'broken: E');
    child.stdout.destroy();
    const [code] = await Promise.all([exitOf(child), broken]);
    expect(code).toBe(0);
  });
});
