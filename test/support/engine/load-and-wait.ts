import { dirname } from 'node:path';
import { findContainment } from '../../../host/engine/sandbox/containment.ts';
import { loadRequest, REAL_RUNNER, TestModels } from './test-models.ts';

/**
 * A minimal host for a test to kill: loads the model of its argument, keeps another runner warm, prints both process IDs.
 * With the argument `sandbox` or `setpriv`, runners are started as the host starts them, with or without a sandbox.
 */
const [file = '', how] = process.argv.slice(2);
const { PATH } = process.env;
const containment = await findContainment({
  env: how === 'setpriv' ? { PATH, TABAGENT_SANDBOX: 'off' } : { PATH },
  entry: REAL_RUNNER,
  home: dirname(file),
});
const host = new TestModels(how === undefined ? {} : { containment });
await host.load(await loadRequest('m', file));
const ready = host.log.next('engine.runner-ready');
host.engine.warm();
await ready;
process.send?.([host.pidOf('m'), host.engine.warmPid]);
