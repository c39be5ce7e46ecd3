import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from '@jest/globals';
import { bundleHost } from '../../installers/package/host-bundle.ts';
import { HostFixture } from '../support/host/host-fixture.ts';
import { expectNineSteps, startStepsHub } from '../support/host/nine-steps.ts';
import { OTHER_SYSTEMS, OtherSystem } from '../support/host/other-system.ts';
import { OUT, PACKAGE_NAME, ROOT } from './support/packaged-host.ts';

const PROGRAM = join(OUT, PACKAGE_NAME, 'tabagent-host');

describe('the packaged host', () => {
  let fixture: HostFixture;
  beforeEach(async () => {
    fixture = await HostFixture.open();
  });
  afterEach(() => fixture.close());

  it('passes the nine steps of npm start', async () => {
    const hub = await startStepsHub(fixture);
    const host = fixture.host({ command: [PROGRAM], env: { HF_ENDPOINT: hub.url } });
    await expectNineSteps(host);
  });

  // The executable would report this platform, so Node.js runs its script. Everything else, including runners, is from
  // the package.
  it.each(OTHER_SYSTEMS)('passes the nine steps of npm start with the platform %s', async (name) => {
    const hub = await startStepsHub(fixture);
    const script = join(fixture.home, 'start.cjs');
    await writeFile(script, (await bundleHost(ROOT)).start);
    const system = await OtherSystem.open(fixture, name);
    const host = system.start(script, { execPath: PROGRAM, env: { HF_ENDPOINT: hub.url } });
    await system.expectReported(host);
    await expectNineSteps(host);
  });
});
