import { expect, it } from '@jest/globals';
import { bubblewrap, endingWithHost } from '../../../../host/engine/sandbox/bubblewrap.ts';
import type { Command, Visible } from '../../../../host/engine/sandbox/sandbox.ts';
import { sandboxExec, sandboxProfile } from '../../../../host/engine/sandbox/sandbox-exec.ts';
import { describeOnPosix } from '../../../support/describe-on-posix.ts';

const COMMAND: Command = { program: '/n/bin/node', args: ['/t/main.js', '--runner'], env: { PATH: '/usr/bin' } };
const NOTHING: Visible = { folders: [], files: [] };

/** The arguments of each option of a command line of bubblewrap. */
function optionsOf(args: readonly string[], option: string, count: number): string[][] {
  return args.flatMap((arg, i) => (arg === option ? [args.slice(i + 1, i + 1 + count)] : []));
}

describeOnPosix('bubblewrap', () => {
  const sandbox = (more: Partial<Parameters<typeof bubblewrap>[0]> = {}) =>
    bubblewrap({
      program: '/usr/bin/bwrap',
      runtime: ['/n/bin/node', '/t'],
      devices: [],
      driverCache: undefined,
      ...more,
    });

  it('denies everything by default, and exits with the host', () => {
    const { program, args, env } = sandbox().wrap(COMMAND, NOTHING);
    expect(program).toBe('/usr/bin/bwrap');
    expect(args).toEqual(expect.arrayContaining(['--unshare-all', '--die-with-parent']));
    expect(optionsOf(args, '--cap-drop', 1)).toEqual([['ALL']]);
    expect(args).not.toContain('--share-net');
    expect(args.slice(args.indexOf('--'))).toEqual(['--', '/n/bin/node', '/t/main.js', '--runner']);
    expect(env).toEqual(COMMAND.env);
  });

  it('shows only required files, read-only, and nothing of the user or the rest of /etc', () => {
    const files = [{ path: '/m/link.gguf', target: '/blobs/1' }];
    const { args } = sandbox().wrap(COMMAND, { folders: ['/models'], files });
    const shown = optionsOf(args, '--ro-bind-try', 2).map(([from]) => from);
    expect(shown).toEqual(expect.arrayContaining(['/usr', '/sys', '/etc/vulkan', '/n/bin/node', '/t', '/models']));
    for (const path of ['/', '/home', '/root', '/etc', '/var', '/run', '/tmp']) expect(shown).not.toContain(path);
    expect(optionsOf(args, '--ro-bind', 2)).toEqual([['/blobs/1', '/m/link.gguf']]);
    expect(args.filter((arg) => /^--(dev-)?bind/.test(arg))).toEqual([]);
  });

  it('allows GPU drivers their devices, files and cache', () => {
    const options = { devices: ['/dev/dri', '/dev/nvidia0'], driverCache: '/h/gpu-cache' };
    const env = { LD_LIBRARY_PATH: '/opt/a:relative:/opt/b', VK_ICD_FILENAMES: '/i/x.json' };
    const wrapped = sandbox(options).wrap({ ...COMMAND, env }, NOTHING);
    expect(optionsOf(wrapped.args, '--dev-bind-try', 2)).toEqual([
      ['/dev/dri', '/dev/dri'],
      ['/dev/nvidia0', '/dev/nvidia0'],
    ]);
    const shown = optionsOf(wrapped.args, '--ro-bind-try', 2).map(([from]) => from);
    expect(shown).toEqual(expect.arrayContaining(['/opt/a', '/opt/b', '/i/x.json']));
    expect(shown).not.toContain('relative');
    expect(optionsOf(wrapped.args, '--bind-try', 2)).toEqual([['/h/gpu-cache', '/h/gpu-cache']]);
    expect(wrapped.env).toMatchObject({ XDG_CACHE_HOME: '/h/gpu-cache', CUDA_CACHE_PATH: '/h/gpu-cache/cuda' });
  });
});

describeOnPosix('without a sandbox', () => {
  it('a command exits with the host', () => {
    expect(endingWithHost('/usr/bin/setpriv', COMMAND)).toEqual({
      program: '/usr/bin/setpriv',
      args: ['--pdeathsig', 'KILL', '--', '/n/bin/node', '/t/main.js', '--runner'],
      env: COMMAND.env,
    });
  });
});

describeOnPosix('sandbox-exec', () => {
  const options = { runtime: ['/n/bin/node', '/t'], program: '/n/bin/node', driverCache: '/private/var/folders/a/C' };

  it('starts the command with a profile', () => {
    const { program, args } = sandboxExec(options).wrap(COMMAND, NOTHING);
    expect(program).toBe('/usr/bin/sandbox-exec');
    expect(args).toEqual(['-p', sandboxProfile(options, NOTHING), '/n/bin/node', '/t/main.js', '--runner']);
  });

  it('denies network, writing, other programs and users’ files, and allows required files afterwards', () => {
    const profile = sandboxProfile(options, { folders: ['/m'], files: [{ path: '/a "b"', target: '/c\\d' }] });
    const lines = profile.split('\n');
    const allowed = '(allow file-read-data (subpath "/n/bin/node") (subpath "/t") (subpath "/m")';
    expect(lines.slice(0, 3)).toEqual(['(version 1)', '(allow default)', '(deny network*)']);
    expect(lines).toContain('(allow file-write* (literal "/dev/null") (subpath "/private/var/folders/a/C"))');
    expect(lines.findIndex((line) => line.startsWith(allowed))).toBeGreaterThan(
      lines.findIndex((line) => line.startsWith('(deny file-read-data (subpath "/Users")')),
    );
    expect(profile).toContain('(literal "/a \\"b\\"") (literal "/c\\\\d")');
    expect(lines.indexOf('(allow process-exec* (literal "/n/bin/node"))')).toBeGreaterThan(
      lines.indexOf('(deny process-exec*)'),
    );
    expect(lines).toContain('(deny process-fork)');
  });
});
