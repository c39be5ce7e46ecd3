import { dirname } from 'node:path';
import { findContainment } from '../../../host/engine/sandbox/containment.ts';
import { loadRequest, REAL_RUNNER, TestModels } from './test-models.ts';

/**
 * A minimal host for a test to kill: loads a model, keeps another runner warm, and sends both process IDs. Arguments:
 * the model and optionally `sandbox` or `setpriv`, which start runners as the host does, with or without a sandbox.
 */
const [file = '', mode] = process.argv.slice(2);
const { PATH } = process.env;
const containment = await findContainment({
  env: mode === 'setpriv' ? { PATH, TABAGENT_SANDBOX: 'off' } : { PATH },
  entry: REAL_RUNNER,
  home: dirname(file),
});
const host = new TestModels(mode === undefined ? {} : { containment });
await host.load(await loadRequest('m', file));
const ready = host.log.next('engine.runner-ready');
host.engine.warm();
await ready;
process.send?.([host.pidOf('m'), host.engine.warmPid]);
