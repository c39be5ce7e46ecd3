import { readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { bundleHost } from '../../../installers/package/host-bundle.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import { HOST_MAIN } from '../../support/host/host-process.ts';
import { expectNineSteps, startStepsHub } from '../../support/host/nine-steps.ts';
import { OTHER_SYSTEMS, OtherSystem } from '../../support/host/other-system.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Returns whether a process is running. A zombie is not. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Runs the built host as on another system, with shell scripts as its programs. */
(process.platform === 'win32' ? describe.skip : describe).each(OTHER_SYSTEMS)('the host on %s', (name) => {
  let fixture: HostFixture;
  let system: OtherSystem;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    system = await OtherSystem.open(fixture, name);
  });
  afterEach(() => fixture.close());

  it('reports the computer and passes the nine steps of npm start, as built', async () => {
    const hub = await startStepsHub(fixture);
    const host = system.start(HOST_MAIN, { env: { HF_ENDPOINT: hub.url } });
    await system.expectReported(host);
    await expectNineSteps(host);
  });

  // /proc shows when a process has exited.
  const onWindows = name === 'win32' && process.platform === 'linux' ? it : it.skip;
  onWindows('kills a command that runs too long, and all its children', async () => {
    const pidFile = join(fixture.home, 'pid');
    await system.replaceProgram('System32/slow.exe', `sleep 1000 & echo $! > '${pidFile}'; wait`);
    // The stand-in kills the program and its children.
    await system.replaceProgram(
      'System32/taskkill.exe',
      '[ "$1 $3 $4" = "/PID /T /F" ] && kill -9 $(cat /proc/$2/task/$2/children) $2',
    );
    const config = { allowedCommands: [['slow']], commandTimeoutSeconds: 1 };
    await writeFile(join(fixture.home, 'config.json'), JSON.stringify(config));
    const reply = await system.start(HOST_MAIN).request('EXECUTE_COMMAND', { command: 'slow' });
    expect(reply).toMatchObject({ code: 'COMMAND_FAILED', details: { timeoutSeconds: 1 } });
    const pid = Number(await readFile(pidFile, 'utf8'));
    while (isRunning(pid)) await new Promise((resolve) => setImmediate(resolve));
  });

  it('reports the computer, as packaged', async () => {
    const bundle = await bundleHost(root);
    const lib = join(fixture.home, 'lib', 'host');
    await mkdir(lib, { recursive: true });
    await writeFile(join(lib, bundle.laterName), bundle.later);
    const script = join(fixture.home, 'start.cjs');
    await writeFile(script, bundle.start);
    await system.expectReported(system.start(script, { execPath: join(fixture.home, 'tabagent-host') }));
  });
});
