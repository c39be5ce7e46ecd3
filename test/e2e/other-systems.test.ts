import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from '@jest/globals';
import { bundleHost } from '../../installers/package/host-bundle.ts';
import { expectNineSteps, stepsHub } from '../support/host/nine-steps.ts';
import { OTHER_SYSTEMS, OtherSystem } from '../support/host/other-system.ts';
import { Workshop } from '../support/host/workshop.ts';
import { OUT, PACKAGE_NAME, ROOT } from './support/packaged-host.ts';

const PROGRAM = join(OUT, PACKAGE_NAME, 'tabagent-host');

describe('the packaged host', () => {
  let shop: Workshop;
  beforeEach(async () => {
    shop = await Workshop.open();
  });
  afterEach(() => shop.close());

  it('passes the nine steps of npm start', async () => {
    const hub = await stepsHub(shop);
    const host = shop.host({ command: [PROGRAM], env: { HF_ENDPOINT: hub.url } });
    await expectNineSteps(host);
  });

  // The executable runs only on this platform, so Node.js runs its script; everything else, including runners, is that of
  // the package.
  it.each(OTHER_SYSTEMS)('passes the nine steps of npm start as on %s', async (name) => {
    const hub = await stepsHub(shop);
    const script = join(shop.home, 'start.cjs');
    await writeFile(script, (await bundleHost(ROOT)).start);
    const system = await OtherSystem.open(shop, name);
    const host = system.start(script, { execPath: PROGRAM, env: { HF_ENDPOINT: hub.url } });
    await system.expectDescribed(host);
    await expectNineSteps(host);
  });
});
